namespace ContentTree.Store.Objects;

/// <summary>Stored or received bytes are not what their name or their signature promises.</summary>
public sealed class CorruptObjectException : Exception
{
    public CorruptObjectException(string what, string reason) : base($"{what}: {reason}")
    {
    }

    public CorruptObjectException(ObjectName name, string reason) : this(name.ToString(), reason)
    {
    }
}
