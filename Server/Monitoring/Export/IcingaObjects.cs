using System.Text;

namespace ContentTree.Server.Monitoring.Export;

/// <summary>Hosts and services as Icinga 2 reads them.</summary>
internal sealed class IcingaObjects(CommitMonitors commits)
{
    public IEnumerable<string> Write(IEnumerable<MonitoredDevice> devices)
    {
        var wrong = new List<string>();
        foreach (var device in devices)
        {
            var text = new StringBuilder();
            AddHost(text, device);
            foreach (var monitor in device.Monitors(commits, wrong.Add))
                AddService(text, device, monitor);
            yield return text.ToString();
        }
        foreach (var message in wrong.Concat(commits.Wrong))
            yield return $"// not used: {MonitoringExport.Plain(message)}\n";
    }

    private static void AddHost(StringBuilder text, MonitoredDevice device)
    {
        var name = MonitoringExport.Plain(device.Device.Name);
        text.Append($"object Host {Quoted($"{device.Device.Id}")} {{\n  import \"ctree-device\"\n  display_name = {Quoted(name.Length > 0 ? name : $"{device.Device.Id}")}\n");
        text.Append($"  address = {Quoted(device.Address ?? $"{device.Device.Id}")}\n  vars.ctree_branch = {Quoted($"{device.Device.Branch}")}\n");
        text.Append($"  vars.ctree_hardware = {Quoted(MonitoringExport.Plain(device.Device.Hardware))}\n  vars.ctree_groups = {List(device.Device.Groups ?? [])}\n}}\n");
    }

    private static void AddService(StringBuilder text, MonitoredDevice device, Monitor monitor)
    {
        text.Append($"object Service {Quoted(monitor.Name)} {{\n  import \"ctree-monitor\"\n  host_name = {Quoted($"{device.Device.Id}")}\n  check_command = {Quoted(monitor.Command)}\n  vars.ctree_arguments = {List(monitor.Arguments)}\n");
        if (monitor.Title.Length > 0)
            text.Append($"  display_name = {Quoted(MonitoringExport.Plain(monitor.Title))}\n");
        if (monitor.Minutes is { } minutes)
            text.Append($"  check_interval = {minutes}m\n");
        if (monitor.Retries is { } retries)
            text.Append($"  max_check_attempts = {retries}\n");
        text.Append("}\n");
    }

    private static string List(IEnumerable<string> texts) => $"[ {string.Join(", ", texts.Select(Quoted))} ]";

    private static string Quoted(string text) => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
