namespace ContentTree.Deploy.Transfer;

/// <summary>Bytes of a file, from <paramref name="From"/> up to but not including <paramref name="To"/>.</summary>
internal readonly record struct ByteRange(long From, long To)
{
    public long Length => To - From;

    public override string ToString() => $"{From}-{To}";
}
