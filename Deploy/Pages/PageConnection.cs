using System.Net;
using System.Net.Sockets;
using ContentTree.Deploy.Agent;
using ContentTree.Deploy.Http;
using ContentTree.Deploy.Transfer;
using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Pages;

/// <summary>One connection and its one request. Whoever is slow to ask, to send or to take is cut off.</summary>
internal sealed class PageConnection(Socket socket, PageRoutes routes, ILogger log)
{
    // Cookies of everything else on this device's name come along.
    private const int MaxHead = 16 * 1024;
    private static readonly TimeSpan HeadTime = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan TakingTime = TimeSpan.FromSeconds(30);

    public async Task RunAsync(CancellationToken cancellation)
    {
        var stream = new NetworkStream(socket, ownsSocket: true);
        await using var _ = stream.ConfigureAwait(false);
        try
        {
            await ServeAsync(stream, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Cut off, or they hung up: all there is to do is to close.
        }
        catch (Exception e)
        {
            Log.Unforeseen(log, e);
        }
    }

    private async Task ServeAsync(NetworkStream stream, CancellationToken cancellation)
    {
        var head = new HeadReader(stream, MaxHead, HeadTime);
        if (await head.ReadAsync(cancellation).ConfigureAwait(false) is not { } length)
            return;
        var request = length > 0 ? PageRequest.TryParse(head.Head(length), Own(), Other()) : null;
        head.Drop(length);
        var body = new RequestBody(stream, head.Rest, request?.Length ?? 0, request is { WantsContinue: true });
        var answer = request is not null ? await routes.AnswerAsync(request, body, cancellation).ConfigureAwait(false)
            : length > 0 ? PageAnswer.Text(HttpStatusCode.BadRequest, "this is no request that the page understands")
            : PageAnswer.Text(HttpStatusCode.RequestHeaderFieldsTooLarge, "the request's head is too long");
        using (var guard = new StallGuard(TakingTime, cancellation))
        {
            await stream.WriteAsync(answer.EncodeHead(), guard.Token).ConfigureAwait(false);
            await stream.WriteAsync(answer.Body, guard.Token).ConfigureAwait(false);
        }
        socket.Shutdown(SocketShutdown.Send);
        await body.PassOverAsync(cancellation).ConfigureAwait(false);
    }

    private IPEndPoint Own() => Plain((IPEndPoint)socket.LocalEndPoint!);

    private IPAddress Other() => Plain((IPEndPoint)socket.RemoteEndPoint!).Address;

    private static IPEndPoint Plain(IPEndPoint address) => address.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(address.Address.MapToIPv4(), address.Port) : address;
}
