namespace ContentTree.Deploy.Transfer;

/// <summary>Nothing may be downloaded now, by agreement; what has come is kept, and later it goes on (exit code 16).</summary>
internal sealed class PausedException(string message, TimeSpan left) : Exception(message)
{
    /// <summary>How long it will take until downloads are allowed again.</summary>
    public TimeSpan Left { get; } = left;
}
