namespace ContentTree.Store.Deltas.Coding;

/// <summary>Some bytes of a larger file, as if they were all.</summary>
internal sealed class BaseRange(BaseBytes file, long start, long length, CancellationToken cancellation = default) : BaseBytes
{
    public override long Length => length;

    /// <exception cref="OperationCanceledException">Whoever goes through a large file can be stopped in the middle.</exception>
    protected override void ReadInside(long position, Span<byte> target)
    {
        cancellation.ThrowIfCancellationRequested();
        file.Read(start + position, target);
    }
}
