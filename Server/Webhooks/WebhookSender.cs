using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Webhooks;

/// <summary>
/// POSTs events, signed. Names are resolved here, and it is the checked address that is connected to: no name, redirect or proxy leads to
/// this machine or its network unless server.conf allows that.
/// </summary>
internal sealed class WebhookSender : IDisposable
{
    /// <summary>For all of an attempt.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const string Prefix = "X-CTree-";

    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromHours(1);
    private static readonly TimeSpan GiveUp = TimeSpan.FromDays(1);

    private readonly DataDirectory _data;
    private readonly Outbox _outbox;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;

    public WebhookSender(DataDirectory data, Outbox outbox, TimeProvider time)
    {
        (_data, _outbox, _time) = (data, outbox, time);
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ConnectCallback = ConnectAsync,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            MaxResponseHeadersLength = 16,
        })
        { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>The HMAC-SHA256 of the time, a dot and the body, as the receiver makes it too.</summary>
    public static string Sign(string secret, string timestamp, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.ASCII.GetBytes(secret));
        hash.AppendData(Encoding.ASCII.GetBytes(timestamp + "."));
        hash.AppendData(body);
        return "sha256=" + Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Tries once and writes down what came of it.</summary>
    public async Task<DeliveryInfo> SendAsync(DueDelivery delivery, CancellationToken cancellation)
    {
        var (code, error) = await TryAsync(delivery, cancellation);
        if (error is null)
            _outbox.RecordDone(delivery, code ?? 0);
        else
            _outbox.RecordFailed(delivery, code, error, RetryOf(delivery), isLast: _time.GetUtcNow() - delivery.Created > GiveUp);
        return _outbox.Delivery(delivery.Id);
    }

    public void Dispose() => _http.Dispose();

    private async Task<(int? Code, string? Error)> TryAsync(DueDelivery delivery, CancellationToken cancellation)
    {
        using var request = RequestOf(delivery);
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        late.CancelAfter(Patience);
        try
        {
            // What is answered does not matter, and is not read.
            using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, late.Token);
            var code = (int)answer.StatusCode;
            return (code, code is >= 200 and < 300 ? null : code is >= 300 and < 400 ? $"answered {code}; redirects are not followed" : $"answered {code}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return (null, $"has not answered for {Patience.TotalSeconds:0} seconds");
        }
        catch (HttpRequestException e)
        {
            return (null, e.InnerException is AddressRefusedException refused ? refused.Message : e.Message);
        }
    }

    private HttpRequestMessage RequestOf(DueDelivery delivery)
    {
        var timestamp = _time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var request = new HttpRequestMessage(HttpMethod.Post, delivery.Url) { Content = new ByteArrayContent(delivery.Body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.TryAddWithoutValidation("User-Agent", "ctree-server");
        request.Headers.TryAddWithoutValidation(Prefix + "Event", delivery.Event);
        request.Headers.TryAddWithoutValidation(Prefix + "Delivery", delivery.Id.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation(Prefix + "Timestamp", timestamp);
        request.Headers.TryAddWithoutValidation(Prefix + "Signature", Sign(delivery.Secret, timestamp, delivery.Body));
        return request;
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var allowed = ServerSettings.Load(_data.Path).WebhookNetworks;
        var addresses = await Dns.GetHostAddressesAsync(host, cancellation);
        var good = addresses.Where(address => PublicAddresses.Contains(address) || allowed.Any(network => network.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address))).ToArray();
        if (good.Length == 0)
            throw new AddressRefusedException($"{host} is {string.Join(", ", addresses.Select(address => address.ToString()))}, on this machine or its network; webhooks.allow in {ServerSettings.FileName} names those that may be reached");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(good, port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private DateTimeOffset RetryOf(DueDelivery delivery)
    {
        var pause = FirstRetry * Math.Pow(4, Math.Min(delivery.Failures, 10));
        return _time.GetUtcNow() + (pause > LongestRetry ? LongestRetry : pause) * (0.75 + Random.Shared.NextDouble() / 2);
    }

    private sealed class AddressRefusedException(string message) : IOException(message);
}
