using System.Buffers;
using System.Net.Sockets;
using ContentTree.Deploy.Transfer;
using ContentTree.Store.Local;

namespace ContentTree.Deploy.Neighbours;

/// <summary>One connection, one request after the other. Whoever is slow to ask or to take is cut off.</summary>
internal sealed class NeighbourConnection(Socket socket, PublicObjects objects, NeighbourLimits limits, NeighbourTraffic traffic)
{
    // A device's own is 300 bytes.
    private const int MaxHead = 4096;
    private const int RequestCost = 1024;

    private readonly byte[] _head = new byte[MaxHead];
    private int _filled;

    /// <summary>Ends when the other side closes, is too slow or sends what is no request, or when it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var stream = new NetworkStream(socket, ownsSocket: true);
        await using var _ = stream.ConfigureAwait(false);
        try
        {
            while (await AnswerAsync(stream, cancellation).ConfigureAwait(false))
            {
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Cut off, or they hung up: all there is to do is to close.
        }
    }

    // True when another request may follow.
    private async Task<bool> AnswerAsync(NetworkStream stream, CancellationToken cancellation)
    {
        if (await ReadHeadAsync(stream, cancellation).ConfigureAwait(false) is not { } length)
            return false;
        var request = length > 0 ? NeighbourRequest.TryParse(_head.AsSpan(0, length)) : null;
        // Looking for an object costs something, whether or not it is sent.
        await limits.PassAsync(RequestCost, cancellation).ConfigureAwait(false);
        using var answer = request is not null ? NeighbourAnswer.To(request, objects)
            : length > 0 ? NeighbourAnswer.BadRequest() : NeighbourAnswer.TooLarge();
        Drop(length);
        var keepsAlive = request is { KeepsAlive: true };
        using var guard = new StallGuard(limits.PieceTime, cancellation);
        await stream.WriteAsync(answer.EncodeHead(keepsAlive), guard.Token).ConfigureAwait(false);
        if (request?.Method == "GET")
            await SendAsync(stream, answer, guard, cancellation).ConfigureAwait(false);
        return keepsAlive;
    }

    // The length of the next head; 0 when it is too long for one, null at the end.
    private async Task<int?> ReadHeadAsync(NetworkStream stream, CancellationToken cancellation)
    {
        using var guard = new StallGuard(limits.HeadTime, cancellation);
        while (true)
        {
            if (_head.AsSpan(0, _filled).IndexOf("\r\n\r\n"u8) is var end and >= 0)
                return end + 4;
            if (_filled == MaxHead)
                return 0;
            var count = await stream.ReadAsync(_head.AsMemory(_filled), guard.Token).ConfigureAwait(false);
            if (count == 0)
                return null;
            _filled += count;
        }
    }

    private void Drop(int length)
    {
        _head.AsSpan(length, _filled - length).CopyTo(_head);
        _filled -= length;
    }

    private async Task SendAsync(NetworkStream stream, NeighbourAnswer answer, StallGuard guard, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(limits.PieceBytes);
        try
        {
            for (var at = answer.From; at < answer.End;)
            {
                guard.Rest();
                var count = answer.Read(at, buffer.AsSpan(0, (int)Math.Min(limits.PieceBytes, answer.End - at)));
                await limits.PassAsync(count, cancellation).ConfigureAwait(false);
                guard.Moved();
                await stream.WriteAsync(buffer.AsMemory(0, count), guard.Token).ConfigureAwait(false);
                at += count;
                traffic.Sent(count);
            }
            if (answer.End > answer.From)
                traffic.Served();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
