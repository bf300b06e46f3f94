namespace ContentTree.Store.Deltas.Coding;

/// <summary>The old file, or for an encoder the new one, read at random. What lies outside reads as zeros.</summary>
internal abstract class BaseBytes
{
    public abstract long Length { get; }

    public void Read(long position, Span<byte> target)
    {
        var before = (int)Math.Clamp(-position, 0, target.Length);
        target[..before].Clear();
        var inside = (int)Math.Clamp(Length - position - before, 0, target.Length - before);
        target[(before + inside)..].Clear();
        if (inside > 0)
            ReadInside(position + before, target.Slice(before, inside));
    }

    protected abstract void ReadInside(long position, Span<byte> target);
}
