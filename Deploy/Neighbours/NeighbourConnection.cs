using System.Buffers;
using System.Net.Sockets;
using ContentTree.Deploy.Http;
using ContentTree.Deploy.Transfer;
using ContentTree.Store.Local;

namespace ContentTree.Deploy.Neighbours;

/// <summary>One connection, one request after the other. Whoever is slow to ask or to take is cut off.</summary>
internal sealed class NeighbourConnection(Socket socket, PublicObjects objects, NeighbourLimits limits, NeighbourTraffic traffic)
{
    // A device's own is 300 bytes.
    private const int MaxHead = 4096;
    private const int RequestCost = 1024;

    /// <summary>Ends when the other side closes, is too slow or sends what is no request, or when it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var stream = new NetworkStream(socket, ownsSocket: true);
        await using var _ = stream.ConfigureAwait(false);
        var head = new HeadReader(stream, MaxHead, limits.HeadTime);
        try
        {
            while (await AnswerAsync(stream, head, cancellation).ConfigureAwait(false))
            {
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Cut off, or they hung up: all there is to do is to close.
        }
    }

    // True when another request may follow.
    private async Task<bool> AnswerAsync(NetworkStream stream, HeadReader head, CancellationToken cancellation)
    {
        if (await head.ReadAsync(cancellation).ConfigureAwait(false) is not { } length)
            return false;
        var request = length > 0 ? NeighbourRequest.TryParse(head.Head(length)) : null;
        // Looking for an object costs something, whether or not it is sent.
        await limits.PassAsync(RequestCost, cancellation).ConfigureAwait(false);
        using var answer = request is not null ? NeighbourAnswer.To(request, objects)
            : length > 0 ? NeighbourAnswer.BadRequest() : NeighbourAnswer.TooLarge();
        head.Drop(length);
        var keepsAlive = request is { KeepsAlive: true };
        using var guard = new StallGuard(limits.PieceTime, cancellation);
        await stream.WriteAsync(answer.EncodeHead(keepsAlive), guard.Token).ConfigureAwait(false);
        if (request?.Method == "GET")
            await SendAsync(stream, answer, guard, cancellation).ConfigureAwait(false);
        return keepsAlive;
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
