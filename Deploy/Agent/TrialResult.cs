using ContentTree.BootFile;

namespace ContentTree.Deploy.Agent;

/// <summary>How a trial stands after a round.</summary>
internal abstract record TrialResult
{
    private TrialResult()
    {
    }

    /// <summary>Nothing is on trial.</summary>
    public sealed record None : TrialResult;

    /// <summary>A person is to confirm it.</summary>
    public sealed record Manual : TrialResult;

    /// <summary>A required check fails.</summary>
    public sealed record Sick(DeploymentName Name, string Reason) : TrialResult;

    /// <summary>Everything passes, and the server is out of reach; <c>IsCut</c>: no network interface has a link.</summary>
    public sealed record Unreached(DeploymentName Name, string Reason, bool IsCut) : TrialResult;

    /// <summary>Everything passes; it is confirmed if it goes on like that for the time given.</summary>
    public sealed record Settling(DeploymentName Name, TimeSpan Left) : TrialResult;

    /// <summary>It has just become good.</summary>
    public sealed record Confirmed(DeploymentName Name) : TrialResult;
}
