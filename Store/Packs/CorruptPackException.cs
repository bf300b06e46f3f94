namespace ContentTree.Store.Packs;

/// <summary>The bytes of a pack are not what a server writes: damaged, out of order, too much or contradictory (exit code 14).</summary>
public sealed class CorruptPackException : Exception
{
    public CorruptPackException(string reason) : base($"pack: {reason}")
    {
    }
}
