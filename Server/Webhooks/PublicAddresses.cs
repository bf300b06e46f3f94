using System.Net;
using System.Net.Sockets;

namespace ContentTree.Server.Webhooks;

/// <summary>Which addresses are anybody's on the internet, and which lead to this machine, its network or nowhere.</summary>
internal static class PublicAddresses
{
    private static readonly IPNetwork[] Others =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
            "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        }.Select(text => IPNetwork.Parse(text)),
    ];

    // All that is in use; what lies outside is link-local, unique local, multicast, or this machine.
    private static readonly IPNetwork Global = IPNetwork.Parse("2000::/3");

    // Teredo, documentation, ORCHID, 6to4: another address is inside, or none.
    private static readonly IPNetwork[] Wrapped = [.. new[] { "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20" }.Select(text => IPNetwork.Parse(text))];

    /// <summary>Whether a request to it can only reach somebody else.</summary>
    public static bool Contains(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetwork
            ? !Others.Any(network => network.Contains(address))
            : Global.Contains(address) && !Wrapped.Any(network => network.Contains(address));
    }
}
