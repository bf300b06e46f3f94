using static ContentTree.Store.Codecs.Lz4Native;

namespace ContentTree.Store.Codecs;

/// <summary>Reads LZ4 frames from anywhere: every frame is hostile until its content's hash has been checked.</summary>
public sealed unsafe class Lz4Decoder : IDisposable
{
    private nint _context;

    public Lz4Decoder()
    {
        nint context;
        if (LZ4F_isError(LZ4F_createDecompressionContext(&context, Lz4Native.Version)) != 0)
            throw new InvalidOperationException("lz4 has no memory for a decoder");
        _context = context;
    }

    /// <summary>Forgets a half-read frame.</summary>
    public void Reset() => LZ4F_resetDecompressionContext(_context);

    /// <summary>Decodes as much as fits.</summary>
    /// <returns>Bytes consumed and written, and whether the frame's end was reached.</returns>
    /// <exception cref="FormatException">The bytes are no LZ4 frame.</exception>
    public (int Consumed, int Written, bool Ended) Decode(ReadOnlySpan<byte> source, Span<byte> target)
    {
        nuint consumed = (nuint)source.Length, written = (nuint)target.Length;
        nuint result;
        fixed (byte* from = source, to = target)
            result = LZ4F_decompress(_context, to, &written, from, &consumed, null);
        return LZ4F_isError(result) == 0
            ? ((int)consumed, (int)written, result == 0)
            : throw new FormatException("not a valid lz4 frame");
    }

    /// <summary>Decodes one whole frame.</summary>
    /// <param name="frame">The frame and nothing else.</param>
    /// <param name="maxSize">Largest content accepted, in bytes; decoding stops there.</param>
    /// <exception cref="FormatException">No frame, a cut one, bytes after it, or too large a content.</exception>
    public byte[] DecodeFrame(ReadOnlySpan<byte> frame, int maxSize)
    {
        Reset();
        var output = new byte[Math.Min(maxSize, Math.Max(4096, frame.Length * 3))];
        var length = 0;
        while (true)
        {
            var (consumed, written, ended) = Decode(frame, output.AsSpan(length));
            frame = frame[consumed..];
            length += written;
            if (length > maxSize)
                throw new FormatException($"lz4 frame holds more than {maxSize} bytes");
            if (ended)
                return frame.IsEmpty ? output[..length] : throw new FormatException("bytes after the lz4 frame");
            if (length == output.Length)
                Grow(ref output, maxSize);
            else if (frame.IsEmpty)
                throw new FormatException("lz4 frame ends too early");
        }
    }

    public void Dispose()
    {
        if (_context != 0)
            LZ4F_freeDecompressionContext(_context);
        _context = 0;
    }

    // One byte above the limit: a frame that ends exactly at the limit must be told from one that goes on.
    private static void Grow(ref byte[] output, int maxSize) =>
        Array.Resize(ref output, (int)Math.Min((long)maxSize + 1, Math.Max(output.Length * 2L, 64)));
}
