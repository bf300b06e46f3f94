namespace ContentTree.Store.Codecs;

/// <summary>The content of one .xz stream of any kind: several blocks, any filters, but no second stream and no padding.</summary>
internal sealed class XzDecodeStream : FrameStream
{
    private readonly XzCoder _decoder;

    /// <param name="source">The stream and nothing after it; stays open.</param>
    /// <param name="minLength">Fewest bytes the content must have.</param>
    /// <param name="maxLength">Most bytes the content may have.</param>
    /// <param name="maxMemory">Bytes the decoder may use, whatever the stream declares.</param>
    public XzDecodeStream(Stream source, long minLength, long maxLength, long maxMemory)
        : base(source, minLength, maxLength, "xz stream") => _decoder = XzCoder.Decoder(maxMemory);

    protected override (int Consumed, int Written, bool Ended) Decode(ReadOnlySpan<byte> source, Span<byte> target) =>
        _decoder.Code(source, target);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _decoder.Dispose();
        base.Dispose(disposing);
    }
}
