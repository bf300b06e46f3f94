using System.Runtime.InteropServices;
using static ContentTree.Store.Codecs.XzNative;

namespace ContentTree.Store.Codecs;

/// <summary>One .xz encoder or decoder of liblzma, fed piece by piece.</summary>
internal sealed unsafe class XzCoder : IDisposable
{
    private XzNative.Stream* _stream = (XzNative.Stream*)NativeMemory.AllocZeroed((nuint)sizeof(XzNative.Stream));

    private XzCoder()
    {
    }

    /// <summary>A decoder of one .xz stream of any kind.</summary>
    /// <param name="maxMemory">In bytes; a stream that needs more is refused.</param>
    public static XzCoder Decoder(long maxMemory)
    {
        var coder = new XzCoder();
        return coder.Started(lzma_stream_decoder(coder._stream, (ulong)maxMemory, 0));
    }

    /// <summary>An encoder that writes one .xz stream.</summary>
    public static XzCoder Encoder(XzParameters parameters)
    {
        Options options;
        var filters = stackalloc Filter[3];
        SetFilters(parameters, &options, filters);
        var coder = new XzCoder();
        if (!parameters.HasSizedBlocks)
            return coder.Started(lzma_stream_encoder(coder._stream, filters, (int)parameters.Check));
        var blocks = OptionsOf(parameters, filters);
        return coder.Started(lzma_stream_encoder_mt(coder._stream, &blocks));
    }

    public static long EncoderMemory(XzParameters parameters)
    {
        Options options;
        var filters = stackalloc Filter[3];
        SetFilters(parameters, &options, filters);
        if (!parameters.HasSizedBlocks)
            return (long)lzma_raw_encoder_memusage(filters);
        var blocks = OptionsOf(parameters, filters);
        return (long)lzma_stream_encoder_mt_memusage(&blocks);
    }

    public static long DecoderMemory(XzParameters parameters)
    {
        Options options;
        var filters = stackalloc Filter[3];
        SetFilters(parameters, &options, filters);
        return (long)lzma_raw_decoder_memusage(filters);
    }

    /// <summary>Codes as much as fits.</summary>
    /// <returns>Bytes consumed and written, and whether the action is done or the stream ended.</returns>
    /// <exception cref="FormatException">The bytes are no .xz stream, or it needs more memory than allowed.</exception>
    public (int Consumed, int Written, bool Ended) Code(ReadOnlySpan<byte> source, Span<byte> target, int action = Run)
    {
        fixed (byte* from = source, to = target)
        {
            _stream->NextIn = from;
            _stream->AvailableIn = (nuint)source.Length;
            _stream->NextOut = to;
            _stream->AvailableOut = (nuint)target.Length;
            var result = lzma_code(_stream, action);
            if (result is not (StreamEnd or NoProgress))
                ThrowIfNotOk(result);
            return (source.Length - (int)_stream->AvailableIn, target.Length - (int)_stream->AvailableOut, result == StreamEnd);
        }
    }

    public void Dispose()
    {
        if (_stream is null)
            return;
        lzma_end(_stream);
        NativeMemory.Free(_stream);
        _stream = null;
    }

    private static void SetFilters(XzParameters parameters, Options* options, Filter* filters)
    {
        *options = default;
        lzma_lzma_preset(options, (uint)parameters.Preset | (parameters.IsExtreme ? Extreme : 0));
        options->Dictionary = (uint)parameters.Dictionary;
        if (parameters.IsX86)
            *filters++ = new Filter { Id = FilterX86 };
        *filters++ = new Filter { Id = FilterLzma2, Options = options };
        *filters = new Filter { Id = FilterEnd };
    }

    private static BlockOptions OptionsOf(XzParameters parameters, Filter* filters) =>
        new() { Threads = 1, BlockSize = (ulong)parameters.BlockSize, Filters = filters, Check = (int)parameters.Check };

    private XzCoder Started(int result)
    {
        if (result != Ok)
            Dispose();
        ThrowIfNotOk(result);
        return this;
    }

    private static void ThrowIfNotOk(int result)
    {
        if (result == Ok)
            return;
        Exception refused = result switch
        {
            OutOfMemory => new InvalidOperationException("liblzma has no memory for its coder"),
            MemoryLimit => new FormatException("xz stream needs more memory than allowed"),
            _ => new FormatException($"not a valid xz stream (liblzma says {result})"),
        };
        throw refused;
    }
}
