using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Agent;

/// <summary>How a poll, and the update that may have followed it, ended.</summary>
/// <param name="Message">A line for people.</param>
internal sealed record PollResult(string Message)
{
    /// <summary>Null when nothing went wrong.</summary>
    public ExitCode? Failure { get; init; }

    /// <summary>The server was not asked: there is no way to it.</summary>
    public bool IsWithoutRoute { get; init; }

    /// <summary>The server answered this time.</summary>
    public bool Reached { get; init; }

    public bool RebootIsDue { get; init; }

    /// <summary>Another configuration is in place than before, of which the server is to hear.</summary>
    public bool IsConfigured { get; init; }

    /// <summary>There is no network, or one that wants a log-in.</summary>
    public bool IsNoNetwork { get; init; }

    /// <summary>How long downloads are not allowed; null when they are.</summary>
    public TimeSpan? Paused { get; init; }

    /// <summary>How long to wait before the next one.</summary>
    public TimeSpan Pause { get; init; }

    /// <summary>How long the server wants to be left alone.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Trying again sooner than at the next poll may help: a link, a disk, a body that was cut. A decision does not change that soon.</summary>
    public bool IsWorthRetrying => Failure is not (null or ExitCode.Held or ExitCode.NotAuthorised or ExitCode.NotFound);
}
