namespace ContentTree.Store.Deltas;

/// <summary>The bytes of a delta are not what a publisher writes: damaged on the way or meant to harm.</summary>
public sealed class CorruptDeltaException : FormatException
{
    public CorruptDeltaException(string reason) : base(reason)
    {
    }

    public CorruptDeltaException(string reason, Exception cause) : base(reason, cause)
    {
    }
}
