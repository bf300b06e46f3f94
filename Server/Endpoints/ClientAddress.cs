using System.Net;

namespace ContentTree.Server.Endpoints;

/// <summary>
/// Puts the address of whoever asks in the place of a proxy's. Only proxies that are known are believed, and of what they say only the last
/// address, which is the one that they saw themselves.
/// </summary>
internal sealed class ClientAddress(IReadOnlyList<IPNetwork> proxies)
{
    private static readonly object Peer = new();

    /// <summary>The other end of the connection itself, whatever it says of whom it speaks for.</summary>
    public static IPAddress? PeerOf(HttpContext context) => context.Items[Peer] as IPAddress;

    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        context.Items[Peer] = context.Connection.RemoteIpAddress is { } end ? Plain(end) : null;
        if (context.Connection.RemoteIpAddress is { } peer && IsProxy(Plain(peer)) &&
            IPAddress.TryParse(context.Request.Headers["X-Forwarded-For"].ToString().Split(',')[^1].Trim(), out var said))
            context.Connection.RemoteIpAddress = Plain(said);
        return next(context);
    }

    /// <summary>By what requests of one sender are counted: an address, of IPv6 its network.</summary>
    public static string Of(HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is not { } address)
            return "";
        address = Plain(address);
        return address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? Convert.ToHexStringLower(address.GetAddressBytes().AsSpan(0, 8)) : address.ToString();
    }

    private bool IsProxy(IPAddress peer) => IPAddress.IsLoopback(peer) || proxies.Any(network => network.Contains(peer));

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
