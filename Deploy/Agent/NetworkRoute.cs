namespace ContentTree.Deploy.Agent;

/// <summary>Whether there is a way to the server at all, as the kernel's routing tables say.</summary>
internal static class NetworkRoute
{
    /// <summary>True where a request has any prospect, or where that is not known.</summary>
    public static bool MayReach(Uri server) => server.IsLoopback || HasRoute("/proc/net/route", "/proc/net/ipv6_route");

    /// <summary>Whether one of the tables has a route that leaves this machine.</summary>
    internal static bool HasRoute(string v4, string v6)
    {
        try
        {
            return File.ReadLines(v4).Skip(1).Any(LeavesV4) || (File.Exists(v6) && File.ReadLines(v6).Any(LeavesV6));
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static bool LeavesV4(string line) => Fields(line) is [not "lo", ..];

    // Addresses of one link (fe80) and multicast (ff00) are there as soon as a cable is; they lead nowhere.
    private static bool LeavesV6(string line) =>
        Fields(line) is [var target, .., not "lo"] && !target.StartsWith("fe80", StringComparison.Ordinal) && !target.StartsWith("ff", StringComparison.Ordinal);

    private static string[] Fields(string line) => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
