using System.Numerics;
using static ContentTree.Store.Codecs.ZstdNative;

namespace ContentTree.Store.Codecs;

/// <summary>
/// Writes zstd frames without magic number, content size and checksum: whoever stores a frame knows its length and proves
/// the content by its hash. Old bytes given as prefix are there for both sides and cost nothing to copy from.
/// </summary>
internal sealed unsafe class ZstdEncoder : IDisposable
{
    private const int ChunkSize = 128 << 10;
    private readonly int _level;
    private readonly int _maxWindowLog;
    private nint _context;

    /// <param name="level">1 to 22.</param>
    /// <param name="maxWindowLog">The decoder's window never passes 2 to this power, however large the content.</param>
    public ZstdEncoder(int level, int maxWindowLog = ZstdDecoder.MaxWindowLog)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, 22);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxWindowLog, ZstdDecoder.MinWindowLog);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxWindowLog, ZstdDecoder.MaxWindowLog);
        (_level, _maxWindowLog) = (level, maxWindowLog);
        _context = ZSTD_createCCtx();
        if (_context == 0)
            throw new InvalidOperationException("zstd has no memory for an encoder");
    }

    /// <summary>The smallest window, as a power of two, that reaches over <paramref name="length"/> bytes.</summary>
    public static int WindowLog(long length) =>
        Math.Clamp(64 - BitOperations.LeadingZeroCount((ulong)Math.Max(length - 1, 1)), ZstdDecoder.MinWindowLog, ZstdDecoder.MaxWindowLog);

    /// <summary>A whole frame in one call: needs no buffers beside the content, the prefix and the result.</summary>
    public byte[] EncodeFrame(ReadOnlySpan<byte> content, ReadOnlySpan<byte> prefix = default)
    {
        var target = GC.AllocateUninitializedArray<byte>((int)ZSTD_compressBound((nuint)content.Length));
        fixed (byte* old = prefix, from = content, to = target)
        {
            Prepare(content.Length, old, prefix.Length);
            return target[..(int)Checked(ZSTD_compress2(_context, to, (nuint)target.Length, from, (nuint)content.Length))];
        }
    }

    /// <summary>A whole frame from a stream of exactly <paramref name="length"/> bytes.</summary>
    /// <exception cref="EndOfStreamException">The source is shorter.</exception>
    public void Encode(Stream source, long length, Stream target, ReadOnlySpan<byte> prefix = default)
    {
        byte[] input = new byte[ChunkSize], output = new byte[ChunkSize];
        fixed (byte* old = prefix, from = input, to = output)
        {
            Prepare(length, old, prefix.Length);
            for (var left = length; ;)
            {
                var count = (int)Math.Min(left, input.Length);
                source.ReadExactly(input, 0, count);
                left -= count;
                var pending = new ZstdNative.Buffer { Start = from, Size = (nuint)count };
                while (!Feed(&pending, to, output, target, left == 0))
                    continue;
                if (left == 0)
                    return;
            }
        }
    }

    public void Dispose()
    {
        if (_context != 0)
            ZSTD_freeCCtx(_context);
        _context = 0;
    }

    // Answers whether all of the input was taken and, at the end, the frame is written.
    private bool Feed(ZstdNative.Buffer* input, byte* to, byte[] output, Stream target, bool last)
    {
        var ready = new ZstdNative.Buffer { Start = to, Size = (nuint)output.Length };
        var left = Checked(ZSTD_compressStream2(_context, &ready, input, last ? End : Continue));
        target.Write(output, 0, (int)ready.Position);
        return last ? left == 0 : input->Position == input->Size;
    }

    private void Prepare(long length, byte* prefix, int prefixLength)
    {
        Checked(ZSTD_CCtx_reset(_context, ResetAll));
        Set(Level, _level);
        Set(WindowLogParameter, Math.Min(WindowLog(length + prefixLength), _maxWindowLog));
        Set(ContentSizeFlag, 0);
        Set(ExperimentalFormat, Magicless);
        Set(LongDistanceMatching, prefixLength > 0 ? 1 : 0);
        Checked(ZSTD_CCtx_setPledgedSrcSize(_context, (ulong)length));
        Checked(ZSTD_CCtx_refPrefix(_context, prefix, (nuint)prefixLength));
    }

    private void Set(int parameter, int value) => Checked(ZSTD_CCtx_setParameter(_context, parameter, value));

    private static nuint Checked(nuint result) => ZSTD_isError(result) == 0
        ? result
        : throw new InvalidOperationException($"zstd could not encode: {Reason(result)}");
}
