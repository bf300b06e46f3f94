using System.Buffers;

namespace ContentTree.Store.Codecs;

/// <summary>
/// The content of one zstd frame. Holds the window the frame asks for, at most the one allowed, and never the whole content.
/// </summary>
internal sealed unsafe class ZstdDecodeStream : FrameStream
{
    private readonly ZstdDecoder _decoder;
    private readonly MemoryHandle _prefix;

    /// <param name="source">The frame and nothing after it; stays open.</param>
    /// <param name="length">Bytes the frame must hold, no more and no fewer.</param>
    /// <param name="maxWindowLog">Largest window accepted, as a power of two. With a prefix it must reach over both.</param>
    /// <param name="prefix">The old bytes the encoder was given.</param>
    public ZstdDecodeStream(Stream source, long length, int maxWindowLog, ReadOnlyMemory<byte> prefix = default)
        : base(source, length, length, "zstd frame")
    {
        _decoder = new ZstdDecoder(maxWindowLog);
        _prefix = prefix.Pin();
        _decoder.Begin((byte*)_prefix.Pointer, prefix.Length);
    }

    protected override (int Consumed, int Written, bool Ended) Decode(ReadOnlySpan<byte> source, Span<byte> target) =>
        _decoder.Decode(source, target);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _decoder.Dispose();
            _prefix.Dispose();
        }
        base.Dispose(disposing);
    }
}
