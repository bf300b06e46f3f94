using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Monitoring.Export;

/// <summary>Targets as Prometheus' <c>http_sd_configs</c> reads them. Every label begins with <c>__meta_</c>: the site chooses what becomes a series.</summary>
internal sealed class PrometheusTargets(int port)
{
    public const int UsualPort = 9100;

    private const string Prefix = "__meta_ctree_";

    public IEnumerable<string> Write(IEnumerable<MonitoredDevice> devices)
    {
        var before = "[";
        foreach (var device in devices.Where(d => d.Address is not null))
        {
            yield return before + "\n" + new JsonObject { ["targets"] = new JsonArray(Target(device.Address ?? "")), ["labels"] = Labels(device) }.ToJsonString(JsonSerializerOptions.Default);
            before = ",";
        }
        yield return before == "[" ? "[]\n" : "\n]\n";
    }

    private string Target(string address) => address.Contains(':', StringComparison.Ordinal) ? $"[{address}]:{port}" : $"{address}:{port}";

    private static JsonObject Labels(MonitoredDevice monitored)
    {
        var device = monitored.Device;
        var labels = new JsonObject
        {
            [Prefix + "device"] = device.Id.ToString(),
            [Prefix + "name"] = device.Name,
            [Prefix + "branch"] = device.Branch.ToString(),
            [Prefix + "hardware"] = device.Hardware,
            [Prefix + "architecture"] = device.Architecture,
            [Prefix + "commit"] = device.Running?.ToString() ?? "",
            [Prefix + "sync"] = device.Sync ?? "",
            [Prefix + "health"] = device.Health ?? "",
            // With commas at both ends, so that a group is found by ",NAME,".
            [Prefix + "groups"] = device.Groups is { Count: > 0 } groups ? $",{string.Join(',', groups)}," : "",
        };
        foreach (var (name, value) in monitored.Labels)
            labels[$"{Prefix}label_{string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'))}"] = value;
        return labels;
    }
}
