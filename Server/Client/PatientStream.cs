using ContentTree.Store.Codecs;

namespace ContentTree.Server.Client;

/// <summary>The body of an answer: as long as bytes come it is waited for, and not for more than there may be.</summary>
/// <param name="progress">Called before each read.</param>
/// <param name="address">Whose answer it is, for messages.</param>
internal sealed class PatientStream(Stream body, long maxBytes, Action progress, string address) : ReadOnlyStream
{
    private long _read;

    public override int Read(Span<byte> buffer) => throw new NotSupportedException("a download is read asynchronously");

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        progress();
        try
        {
            var count = await body.ReadAsync(buffer, cancellationToken);
            return (_read += count) <= maxBytes ? count : throw new HttpRequestException($"{address} sends more than the {maxBytes} bytes that this may have");
        }
        catch (IOException e)
        {
            throw new HttpRequestException($"{address} broke off in the middle of a download: {e.Message}", e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            body.Dispose();
        base.Dispose(disposing);
    }
}
