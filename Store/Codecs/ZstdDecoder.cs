using static ContentTree.Store.Codecs.ZstdNative;

namespace ContentTree.Store.Codecs;

/// <summary>
/// Reads one zstd frame as <see cref="ZstdEncoder"/> writes it. Every frame is hostile: its memory is bounded by the window
/// the caller allows, its output by the length the caller expects, whatever the frame declares. A wrong prefix may decode
/// to wrong bytes: the hash of the content decides.
/// </summary>
internal sealed unsafe class ZstdDecoder : IDisposable
{
    public const int MinWindowLog = 10;
    public const int MaxWindowLog = 31;
    private const int ChunkSize = 128 << 10;
    private nint _context;

    /// <param name="maxWindowLog">Frames that ask for a window above 2 to this power are refused.</param>
    public ZstdDecoder(int maxWindowLog)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxWindowLog, MinWindowLog);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxWindowLog, MaxWindowLog);
        _context = ZSTD_createDCtx();
        if (_context == 0)
            throw new InvalidOperationException("zstd has no memory for a decoder");
        Set(ExperimentalDecoderFormat, Magicless);
        Set(WindowLogMaxParameter, maxWindowLog);
    }

    /// <summary>Decodes one whole frame that fills <paramref name="target"/> exactly; needs no window of its own.</summary>
    /// <exception cref="FormatException">No frame, a cut one, bytes after it, or another length of content.</exception>
    public void DecodeFrame(ReadOnlySpan<byte> frame, Span<byte> target, ReadOnlySpan<byte> prefix = default)
    {
        fixed (byte* from = frame, to = target, old = prefix)
        {
            var output = new ZstdNative.Buffer { Start = to, Size = (nuint)target.Length };
            Begin(old, prefix.Length, wholeOutput: true);
            var ended = Fill(from, frame.Length, &output, out var consumed);
            Finish(ended, output.Position == output.Size);
            if (consumed != frame.Length)
                throw new FormatException("bytes after the zstd frame");
        }
    }

    /// <summary>The same from a stream, which must end where the frame ends.</summary>
    /// <exception cref="FormatException">No frame, a cut one, bytes after it, or another length of content.</exception>
    public void DecodeFrame(Stream source, Span<byte> target, ReadOnlySpan<byte> prefix = default)
    {
        var input = new byte[ChunkSize];
        fixed (byte* from = input, to = target, old = prefix)
        {
            var output = new ZstdNative.Buffer { Start = to, Size = (nuint)target.Length };
            Begin(old, prefix.Length, wholeOutput: true);
            int consumed, count;
            bool ended;
            do
            {
                count = source.Read(input, 0, input.Length);
                ended = Fill(from, count, &output, out consumed);
            }
            while (!ended && count > 0);
            Finish(ended, output.Position == output.Size);
            if (consumed != count || source.ReadByte() >= 0)
                throw new FormatException("bytes after the zstd frame");
        }
    }

    /// <summary>Starts a frame that is read piece by piece.</summary>
    /// <param name="prefix">Must stay where it is until the frame ends.</param>
    public void Begin(byte* prefix, int length, bool wholeOutput = false)
    {
        Checked(ZSTD_DCtx_reset(_context, ResetSession));
        Set(ExperimentalStableOutput, wholeOutput ? 1 : 0);
        Checked(ZSTD_DCtx_refPrefix(_context, prefix, (nuint)length));
    }

    /// <summary>Decodes as much as fits.</summary>
    /// <returns>Bytes consumed and written, and whether the frame's end was reached.</returns>
    /// <exception cref="FormatException">The bytes are no zstd frame, or it asks for too large a window.</exception>
    public (int Consumed, int Written, bool Ended) Decode(ReadOnlySpan<byte> source, Span<byte> target)
    {
        fixed (byte* from = source, to = target)
        {
            var input = new ZstdNative.Buffer { Start = from, Size = (nuint)source.Length };
            var output = new ZstdNative.Buffer { Start = to, Size = (nuint)target.Length };
            var ended = Checked(ZSTD_decompressStream(_context, &output, &input)) == 0;
            return ((int)input.Position, (int)output.Position, ended);
        }
    }

    public void Dispose()
    {
        if (_context != 0)
            ZSTD_freeDCtx(_context);
        _context = 0;
    }

    private bool Fill(byte* source, int length, ZstdNative.Buffer* output, out int consumed)
    {
        var input = new ZstdNative.Buffer { Start = source, Size = (nuint)length };
        bool ended;
        do
            ended = Checked(ZSTD_decompressStream(_context, output, &input)) == 0;
        while (!ended && input.Position < input.Size);
        consumed = (int)input.Position;
        return ended;
    }

    private static void Finish(bool ended, bool filled)
    {
        if (!ended)
            throw new FormatException("zstd frame ends too early");
        if (!filled)
            throw new FormatException("zstd frame holds fewer bytes than expected");
    }

    private void Set(int parameter, int value)
    {
        if (ZSTD_isError(ZSTD_DCtx_setParameter(_context, parameter, value)) != 0)
            throw new InvalidOperationException($"this zstd library does not know decoder parameter {parameter}");
    }

    private static nuint Checked(nuint result) => ZSTD_isError(result) == 0
        ? result
        : throw new FormatException($"not a valid zstd frame: {Reason(result)}");
}
