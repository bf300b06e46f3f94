using System.Text;
using ContentTree.Server.Fleet;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Monitoring.Export;

/// <summary>What monitoring systems read of the fleet: targets and rules for Prometheus, hosts and services for Nagios and Icinga.</summary>
internal sealed class MonitoringExport(DataDirectory data, Database database, DeviceView view)
{
    public const string Prometheus = "prometheus";
    public const string Rules = "rules";
    public const string Nagios = "nagios";
    public const string Icinga = "icinga2";

    private const int Page = 500;

    /// <summary>All there are.</summary>
    public static IReadOnlyList<string> Kinds { get; } = [Prometheus, Rules, Nagios, Icinga];

    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <param name="filter">Of which devices.</param>
    /// <param name="port">Where the devices' exporters listen; for Prometheus.</param>
    /// <param name="groups">Only devices of these; null for all.</param>
    /// <exception cref="FormatException">The filter is none.</exception>
    public IEnumerable<string> Write(string kind, string? filter, int port, IReadOnlyList<string>? groups = null) => kind switch
    {
        Rules => [PrometheusRules.Text],
        Prometheus => new PrometheusTargets(port).Write(Devices(filter, groups)),
        Nagios => new NagiosObjects(new CommitMonitors(data)).Write(Devices(filter, groups)),
        _ => new IcingaObjects(new CommitMonitors(data)).Write(Devices(filter, groups)),
    };

    public static string MediaType(string kind) => kind switch
    {
        Prometheus => "application/json",
        Rules => "application/yaml",
        _ => "text/plain; charset=utf-8",
    };

    // Page by page: a hundred thousand devices at once would be a hundred megabytes.
    private IEnumerable<MonitoredDevice> Devices(string? filter, IReadOnlyList<string>? groups)
    {
        for (string? after = ""; after is not null;)
        {
            var page = view.List(Page, after, filter, groups);
            var labels = page.Count > 0 ? Labels(page[0], page[^1]) : [];
            foreach (var device in page.Where(d => d.State == DeviceState.Accepted))
                yield return new MonitoredDevice(device, labels.GetValueOrDefault(device.Id.ToString()) ?? new Dictionary<string, string>());
            after = page.Count == Page ? page[^1].Id.ToString() : null;
        }
    }

    private Dictionary<string, IReadOnlyDictionary<string, string>> Labels(DeviceInfo first, DeviceInfo last)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT device, name, value FROM labels WHERE device BETWEEN $first AND $last ORDER BY device, name",
                row => (Device: row.Text("device"), Name: row.Text("name"), Value: row.Text("value")), ("$first", first.Id), ("$last", last.Id))
            .GroupBy(l => l.Device).ToDictionary(g => g.Key, g => (IReadOnlyDictionary<string, string>)g.ToDictionary(l => l.Name, l => l.Value, StringComparer.Ordinal));
    }

    /// <summary>What a person or a device wrote, as one line in which no language of objects begins anything: what might is a '_'.</summary>
    public static string Plain(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            plain.Append(Rune.IsLetterOrDigit(rune) || (rune.IsAscii && " ._-:/()@+,=".Contains((char)rune.Value, StringComparison.Ordinal)) ? rune.ToString() : "_");
        return plain.ToString().Trim();
    }
}
