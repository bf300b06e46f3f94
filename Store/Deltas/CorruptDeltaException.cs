namespace ContentTree.Store.Deltas;

/// <summary>The bytes of a delta are not what an encoder writes: truncated, out of bounds or contradictory.</summary>
public sealed class CorruptDeltaException : Exception
{
    public CorruptDeltaException(string reason) : base($"delta: {reason}")
    {
    }
}
