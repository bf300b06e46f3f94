namespace ContentTree.Deploy.Transfer;

/// <summary>The server cannot be reached, stopped answering, or something else answered in its place (exit code 13).</summary>
internal sealed class ServerUnreachableException(string message, TimeSpan? retryAfter = null) : Exception(message)
{
    /// <summary>How long the server wants to be left alone.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;
}
