using ContentTree.Deploy.Transfer;

namespace ContentTree.Deploy.Pages;

/// <summary>The body of one request, read as far as somebody wants it. Whoever sends nothing for a while is cut off.</summary>
/// <param name="stream">The connection.</param>
/// <param name="come">What came together with the head.</param>
/// <param name="length">Bytes of the body.</param>
/// <param name="wantsContinue">The sender waits until it is told to go on.</param>
internal sealed class RequestBody(Stream stream, ReadOnlyMemory<byte> come, long length, bool wantsContinue)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Parting = TimeSpan.FromSeconds(5);

    private ReadOnlyMemory<byte> _come = come[..(int)Math.Min(come.Length, Math.Max(0, length))];
    private bool _isAwaited = wantsContinue;

    /// <summary>Bytes that are still to come.</summary>
    public long Left { get; private set; } = Math.Max(0, length);

    /// <returns>0 at the end only.</returns>
    /// <exception cref="EndOfStreamException">The connection ended before the body.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellation)
    {
        if (Left == 0)
            return 0;
        var count = Math.Min(_come.Length, target.Length);
        if (count > 0)
        {
            _come[..count].CopyTo(target);
            _come = _come[count..];
        }
        else
            count = await ReceiveAsync(target[..(int)Math.Min(target.Length, Left)], cancellation).ConfigureAwait(false);
        Left -= count;
        return count;
    }

    /// <summary>All of a short body; null when it is longer than that.</summary>
    public async Task<byte[]?> ReadAllAsync(int maxBytes, CancellationToken cancellation)
    {
        if (Left > maxBytes)
            return null;
        var bytes = new byte[Left];
        for (var at = 0; at < bytes.Length;)
            at += await ReadAsync(bytes.AsMemory(at), cancellation).ConfigureAwait(false);
        return bytes;
    }

    /// <summary>Throws away what a refused sender goes on sending, so that it gets to read the refusal; not for long.</summary>
    public async Task PassOverAsync(CancellationToken cancellation)
    {
        if (Left == 0 || _isAwaited)
            return;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Parting);
        var waste = new byte[16 * 1024];
        while (await stream.ReadAsync(waste, limit.Token).ConfigureAwait(false) > 0)
        {
        }
    }

    private async Task<int> ReceiveAsync(Memory<byte> target, CancellationToken cancellation)
    {
        using var guard = new StallGuard(Patience, cancellation);
        if (_isAwaited)
            await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), guard.Token).ConfigureAwait(false);
        _isAwaited = false;
        var count = await stream.ReadAsync(target, guard.Token).ConfigureAwait(false);
        return count > 0 ? count : throw new EndOfStreamException("the connection ended in the middle of the request");
    }
}
