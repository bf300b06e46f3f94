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
            return Ways(v4, v6).Any();
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Every route that leaves this machine, by where it leads and through which neighbour.</summary>
    internal static IEnumerable<string> Ways(string v4, string v6)
    {
        var ways = File.ReadLines(v4).Skip(1).Where(LeavesV4).Select(line => string.Join(' ', Fields(line).Take(3)));
        // Of the many numbers in a line of version 6, some count packets.
        return File.Exists(v6)
            ? ways.Concat(File.ReadLines(v6).Where(LeavesV6).Select(line => Fields(line) is var f ? $"{f[0]} {f[1]} {f[4]} {f[^1]}" : ""))
            : ways;
    }

    private static bool LeavesV4(string line) => Fields(line) is [not "lo", ..];

    // Addresses of one link (fe80) and multicast (ff00) are there as soon as a cable is; they lead nowhere.
    private static bool LeavesV6(string line) =>
        Fields(line) is [var target, .., not "lo"] && !target.StartsWith("fe80", StringComparison.Ordinal) && !target.StartsWith("ff", StringComparison.Ordinal);

    private static string[] Fields(string line) => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
