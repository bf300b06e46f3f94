namespace ContentTree.Store.Deltas.Coding;

/// <summary>An old file that is in memory.</summary>
internal sealed class MemoryBase(ReadOnlyMemory<byte> bytes) : BaseBytes
{
    public override long Length => bytes.Length;

    protected override void ReadInside(long position, Span<byte> target) => bytes.Span.Slice((int)position, target.Length).CopyTo(target);
}
