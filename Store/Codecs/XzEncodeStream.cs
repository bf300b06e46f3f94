namespace ContentTree.Store.Codecs;

/// <summary>The .xz stream of a source's content, encoded as it is read. Equal parameters and content give equal bytes.</summary>
internal sealed class XzEncodeStream : ReadOnlyStream
{
    private readonly byte[] _input = new byte[16 << 10];
    private readonly Stream _source;
    private readonly XzCoder _encoder;
    private readonly long _blockSize;
    private ReadOnlyMemory<byte> _pending;
    private long _blockLeft;
    private int _action = XzNative.Run;
    private bool _ended;

    /// <param name="source">Read to its end; stays open.</param>
    /// <param name="parameters">What the encoder's memory and the bytes depend on.</param>
    public XzEncodeStream(Stream source, XzParameters parameters)
    {
        _source = source;
        _encoder = XzCoder.Encoder(parameters);
        // The parallel encoder cuts blocks itself; the other one is told where.
        _blockSize = _blockLeft = parameters is { BlockSize: > 0, HasSizedBlocks: false } ? parameters.BlockSize : long.MaxValue;
    }

    public override int Read(Span<byte> buffer)
    {
        var count = 0;
        while (!_ended && count == 0 && buffer.Length > 0)
        {
            if (_pending.IsEmpty && _action == XzNative.Run)
                Refill();
            (var consumed, count, var done) = _encoder.Code(_pending.Span, buffer, _action);
            _pending = _pending[consumed..];
            if (done)
                EndAction();
        }
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _encoder.Dispose();
        base.Dispose(disposing);
    }

    private void Refill()
    {
        var count = _source.Read(_input, 0, (int)Math.Min(_input.Length, _blockLeft));
        _pending = _input.AsMemory(0, count);
        _blockLeft -= count;
        if (count == 0)
            _action = XzNative.Finish;
        else if (_blockLeft == 0)
            _action = XzNative.FullFlush;
    }

    private void EndAction()
    {
        _ended = _action == XzNative.Finish;
        _blockLeft = _blockSize;
        _action = XzNative.Run;
    }
}
