using ContentTree.BootFile;

namespace ContentTree.Deploy.Agent;

/// <summary>How a trial stands.</summary>
/// <param name="Name">The deployment on trial; null when none is.</param>
/// <param name="Failure">Why it is not confirmed; null when it just was.</param>
internal sealed record TrialResult(DeploymentName? Name, string? Failure)
{
    public static readonly TrialResult None = new(null, null);

    /// <summary>A check said no; otherwise only the server is missing.</summary>
    public bool IsSick { get; init; }
}
