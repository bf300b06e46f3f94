using System.Net;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Monitoring.Export;

/// <summary>A device as monitoring sees it.</summary>
internal sealed record MonitoredDevice(DeviceInfo Device, IReadOnlyDictionary<string, string> Labels)
{
    /// <summary>A label that says where the device is reached, if not from where it polls.</summary>
    public const string AddressLabel = "address";

    /// <summary>Before the name of a monitor, in a label that says it otherwise for this device: a command, or "off".</summary>
    public const string MonitorLabel = "monitor.";

    public const string Off = "off";

    private const int MaxAddress = 253;

    /// <summary>Where it is reached, without a port; null when nobody knows.</summary>
    public string? Address => Labels.TryGetValue(AddressLabel, out var said) && IsAddress(said) ? said : Device.Address is { } seen && IsNumeric(seen) ? seen : null;

    /// <summary>What is to be looked at there.</summary>
    /// <param name="commits">What the commits say.</param>
    /// <param name="tell">Hears of labels that cannot be used.</param>
    public IReadOnlyList<Monitor> Monitors(CommitMonitors commits, Action<string> tell)
    {
        var monitors = (Device.Running is { } running ? commits.Of(running) : []).ToDictionary(m => m.Name, StringComparer.Ordinal);
        foreach (var (label, value) in Labels.Where(l => l.Key.StartsWith(MonitorLabel, StringComparison.Ordinal)))
        {
            var name = label[MonitorLabel.Length..];
            try
            {
                if (value == Off)
                    monitors.Remove(name);
                else
                    monitors[name] = MonitorFile.ParseLabel(name, value);
            }
            catch (FormatException e)
            {
                tell($"device {Device.Id}: label {label} {e.Message}");
            }
        }
        return [.. monitors.Values.OrderBy(m => m.Name, StringComparer.Ordinal)];
    }

    private static bool IsAddress(string text) =>
        text.Length is > 0 and <= MaxAddress && (IsNumeric(text) || text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'));

    // Not the zone of an address: it may be any text, and this is written as it is.
    private static bool IsNumeric(string text) => text.All(c => char.IsAsciiHexDigit(c) || c is '.' or ':') && IPAddress.TryParse(text, out _);
}
