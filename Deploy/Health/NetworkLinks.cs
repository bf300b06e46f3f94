using System.Globalization;

namespace ContentTree.Deploy.Health;

/// <summary>
/// Which network devices of this machine have a link: a cable with something at its other end, an access point. Known by their place in
/// the machine, since another tree may name its interfaces otherwise; interfaces without a device (bridges, tunnels) do not count.
/// </summary>
/// <param name="interfaces">The kernel's <c>/sys/class/net</c>.</param>
internal sealed class NetworkLinks(string interfaces)
{
    private const int IsUp = 1;

    /// <summary>Those that have a link now.</summary>
    public IReadOnlyList<string> Linked() => [.. Devices().Where(d => d.State == LinkState.Linked).Select(d => d.Place).Order(StringComparer.Ordinal)];

    /// <summary>
    /// Whether everything is switched on that had a link before, and nothing has one now. A device that is gone or off is no proof: a
    /// tree may lack its driver, or the program that switches it on.
    /// </summary>
    public bool AreCut(IReadOnlyList<string> before)
    {
        var now = Devices().ToLookup(d => d.Place, d => d.State, StringComparer.Ordinal);
        return before.Count > 0 && before.All(place => now[place].Contains(LinkState.Cut)) && !now.Any(states => states.Contains(LinkState.Linked));
    }

    private IEnumerable<(string Place, LinkState State)> Devices()
    {
        if (!Directory.Exists(interfaces))
            yield break;
        foreach (var path in Directory.GetFileSystemEntries(interfaces))
        {
            if (new FileInfo(Path.Combine(path, "device")).LinkTarget is not { } device)
                continue;
            // Ports of one card share its device.
            yield return ($"{Path.GetFileName(device)}/{Read(path, "dev_port") ?? "0"}", StateOf(path));
        }
    }

    private static LinkState StateOf(string path)
    {
        var flags = Read(path, "flags") is { } text && text.StartsWith("0x", StringComparison.Ordinal) &&
            int.TryParse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var value) ? value : 0;
        if ((flags & IsUp) == 0)
            return LinkState.Off;
        return Read(path, "carrier") switch
        {
            "1" => LinkState.Linked,
            "0" => LinkState.Cut,
            _ => LinkState.Off,
        };
    }

    // An interface that is off has no carrier to read, and one may vanish at any time.
    private static string? Read(string path, string name)
    {
        try
        {
            return File.ReadAllText(Path.Combine(path, name)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private enum LinkState
    {
        Off,
        Cut,
        Linked,
    }
}
