namespace ContentTree.Deploy.Transfer;

/// <summary>The server cannot be reached, stopped answering, or something else answered in its place (exit code 13).</summary>
internal sealed class ServerUnreachableException(string message, TimeSpan? retryAfter = null) : Exception(message)
{
    /// <summary>How long the server wants to be left alone.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <summary>It is the network that is missing or not ours, such as one with a log-in page: the server knows nothing of it.</summary>
    public bool IsNoNetwork { get; init; }

    /// <summary>Bytes come, but so few that it would take for ever.</summary>
    public bool IsSlow { get; init; }
}
