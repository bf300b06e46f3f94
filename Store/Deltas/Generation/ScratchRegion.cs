using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>A stretch of a <see cref="ScratchFile"/> that is written and stays; any thread may read it.</summary>
internal readonly record struct ScratchRegion(SafeFileHandle File, long Start, long Length)
{
    private const int CopyBytes = 64 * 1024;

    /// <exception cref="EndOfStreamException">The region is shorter.</exception>
    public void Read(long position, Span<byte> target)
    {
        if (position < 0 || target.Length > Length - position)
            throw new EndOfStreamException($"{target.Length} bytes at {position} of {Length}");
        while (target.Length > 0)
        {
            var count = RandomAccess.Read(File, target, Start + position);
            if (count == 0)
                throw new EndOfStreamException("a scratch file was cut");
            target = target[count..];
            position += count;
        }
    }

    public byte[] ToArray()
    {
        var bytes = GC.AllocateUninitializedArray<byte>((int)Length);
        Read(0, bytes);
        return bytes;
    }

    /// <summary>Hands a part of the region on, piece by piece.</summary>
    public void CopyTo(long position, long length, Action<ReadOnlySpan<byte>> sink)
    {
        var buffer = new byte[(int)Math.Min(CopyBytes, length)];
        for (var left = length; left > 0;)
        {
            var piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, left));
            Read(position, piece);
            sink(piece);
            position += piece.Length;
            left -= piece.Length;
        }
    }
}
