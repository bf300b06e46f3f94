using static ContentTree.Store.Codecs.ZstdNative;

namespace ContentTree.Store.Codecs;

/// <summary>
/// One zstd frame, without magic number, that is written piece by piece and never closed: each piece can be decoded as soon as it has
/// arrived, and may copy from those before it as far back as the window reaches.
/// </summary>
internal sealed unsafe class ZstdFlushEncoder : IDisposable
{
    private nint _context;

    /// <param name="level">1 to 22.</param>
    /// <param name="windowLog">The window, as a power of two.</param>
    public ZstdFlushEncoder(int level, int windowLog)
    {
        _context = ZSTD_createCCtx();
        if (_context == 0)
            throw new InvalidOperationException("zstd has no memory for an encoder");
        Set(Level, level);
        Set(WindowLogParameter, windowLog);
        Set(ContentSizeFlag, 0);
        Set(ExperimentalFormat, Magicless);
    }

    /// <summary>Room that a piece of this length may need.</summary>
    public static int Bound(int length) => length + length / 64 + 1024;

    /// <summary>Encodes the next piece whole.</summary>
    /// <param name="target">At least <see cref="Bound"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public int Encode(ReadOnlySpan<byte> content, Span<byte> target)
    {
        fixed (byte* from = content, to = target)
        {
            var input = new ZstdNative.Buffer { Start = from, Size = (nuint)content.Length };
            var output = new ZstdNative.Buffer { Start = to, Size = (nuint)target.Length };
            while (Checked(ZSTD_compressStream2(_context, &output, &input, FlushPiece)) != 0)
            {
                if (output.Position == output.Size)
                    throw new InvalidOperationException("zstd needs more room than it should");
            }
            return (int)output.Position;
        }
    }

    public void Dispose()
    {
        if (_context != 0)
            ZSTD_freeCCtx(_context);
        _context = 0;
    }

    private void Set(int parameter, int value) => Checked(ZSTD_CCtx_setParameter(_context, parameter, value));

    private static nuint Checked(nuint result) => ZSTD_isError(result) == 0
        ? result
        : throw new InvalidOperationException($"zstd could not encode: {Reason(result)}");
}
