using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Transfer;

/// <summary>What it takes to have a commit: made before the first content byte.</summary>
/// <param name="Id">The commit.</param>
/// <param name="Commit">What it says.</param>
/// <param name="Encoded">Its bytes.</param>
/// <param name="Contents">What is missing, in order of ids.</param>
/// <param name="Needs">What download and deployment together take.</param>
internal sealed record PullPlan(ObjectId Id, Commit Commit, byte[] Encoded, IReadOnlyList<WantedContent> Contents, SpaceNeeds Needs)
{
    /// <summary>Contents that cross the network.</summary>
    public int Fetches => Contents.Count(c => c.Present is null);

    /// <summary>
    /// Their uncompressed size: an upper bound for what crosses the network, whose compressed size only the server knows.
    /// </summary>
    public long FetchBytes => Contents.Where(c => c.Present is null).Sum(c => c.Size);
}
