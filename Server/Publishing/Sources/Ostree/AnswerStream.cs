using ContentTree.Store.Codecs;

namespace ContentTree.Server.Publishing.Sources.Ostree;

/// <summary>An answer's content. A server that falls silent in the middle of it is not waited for for ever.</summary>
internal sealed class AnswerStream(HttpResponseMessage response, string shown, CancellationToken cancellation) : ReadOnlyStream
{
    /// <summary>How long no byte may come.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly Stream _content = response.Content.ReadAsStream(cancellation);
    private readonly byte[] _buffer = new byte[1 << 16];
    private ReadOnlyMemory<byte> _pending;

    public override int Read(Span<byte> buffer)
    {
        if (_pending.IsEmpty)
            _pending = _buffer.AsMemory(0, Receive());
        var count = Math.Min(buffer.Length, _pending.Length);
        _pending.Span[..count].CopyTo(buffer);
        _pending = _pending[count..];
        return count;
    }

    // Only reading asynchronously can be given up.
    private int Receive()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try
        {
            return _content.ReadAsync(_buffer, patience.Token).AsTask().GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is IOException or HttpRequestException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new SourceUnreachableException($"{shown} broke off: {(e is OperationCanceledException ? "nothing came for a minute" : e.Message)}; what came before is kept, import again");
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            response.Dispose();
        base.Dispose(disposing);
    }
}
