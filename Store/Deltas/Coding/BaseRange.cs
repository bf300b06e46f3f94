namespace ContentTree.Store.Deltas.Coding;

/// <summary>Some bytes of a larger file, as if they were all.</summary>
internal sealed class BaseRange(BaseBytes file, long start, long length) : BaseBytes
{
    public override long Length => length;

    protected override void ReadInside(long position, Span<byte> target) => file.Read(start + position, target);
}
