using ContentTree.BootFile;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.State;

/// <summary>What is known about deployments beyond their markers. <c>state/deployments.json</c>.</summary>
/// <param name="Next">The number of the next one: written before it is used, never reused.</param>
/// <param name="Deployments">Oldest first.</param>
internal sealed record DeploymentsState(ulong Next, IReadOnlyList<DeploymentNote> Deployments)
{
    public string Schema { get; init; } = "ctree.deployments/1";

    public DeploymentNote? Find(DeploymentName name) => Deployments.FirstOrDefault(d => d.Name == name);

    public DeploymentsState With(DeploymentNote note) =>
        this with { Deployments = [.. Deployments.Where(d => d.Name != note.Name).Append(note).OrderBy(d => d.Name)] };

    public DeploymentsState Without(DeploymentName name) =>
        this with { Deployments = [.. Deployments.Where(d => d.Name != name)] };
}

/// <param name="Name">Which one.</param>
/// <param name="Commit">Its commit.</param>
/// <param name="Version">The commit's version.</param>
/// <param name="Created">When it was made.</param>
/// <param name="Branch">The branch it came from; absent for one that nobody has signed a head for.</param>
/// <param name="Sequence">Its position there; 0 if not known.</param>
/// <param name="Confirmed">It passed its trial.</param>
/// <param name="Kept">Not to be removed.</param>
/// <param name="Reached">The server had been reached when it was made, so it must be reached again before it is confirmed.</param>
/// <param name="FailedBefore">Units that had failed when it was made.</param>
/// <param name="LinkedBefore">Network devices that had a link when it was made, <see cref="Health.NetworkLinks"/>.</param>
internal sealed record DeploymentNote(
    DeploymentName Name,
    ObjectId Commit,
    string Version,
    DateTimeOffset Created,
    BranchName? Branch = null,
    long Sequence = 0,
    bool Confirmed = false,
    bool Kept = false,
    bool Reached = false,
    IReadOnlyList<string>? FailedBefore = null,
    IReadOnlyList<string>? LinkedBefore = null);
