using System.Text;

namespace ContentTree.Server.Monitoring.Export;

/// <summary>Hosts and services as Nagios, Naemon and Icinga 1 read them. A host is called by its device's id: names are chosen by devices.</summary>
internal sealed class NagiosObjects(CommitMonitors commits)
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
            yield return $"# not used: {MonitoringExport.Plain(message)}\n";
    }

    private static void AddHost(StringBuilder text, MonitoredDevice device)
    {
        text.Append("define host {\n");
        Add(text, "use", "ctree-device");
        Add(text, "host_name", device.Device.Id);
        Add(text, "alias", device.Device.Name.Length > 0 ? MonitoringExport.Plain(device.Device.Name) : device.Device.Id);
        Add(text, "address", device.Address ?? device.Device.Id.ToString());
        Add(text, "_ctree_branch", device.Device.Branch);
        Add(text, "_ctree_hardware", MonitoringExport.Plain(device.Device.Hardware));
        Add(text, "_ctree_groups", string.Join(',', device.Device.Groups ?? []));
        text.Append("}\n");
    }

    private static void AddService(StringBuilder text, MonitoredDevice device, Monitor monitor)
    {
        text.Append("define service {\n");
        Add(text, "use", "ctree-monitor");
        Add(text, "host_name", device.Device.Id);
        Add(text, "service_description", monitor.Name);
        Add(text, "display_name", MonitoringExport.Plain(monitor.Title));
        Add(text, "check_command", string.Join('!', [monitor.Command, .. monitor.Arguments]));
        Add(text, "check_interval", monitor.Minutes);
        Add(text, "max_check_attempts", monitor.Retries);
        text.Append("}\n");
    }

    private static void Add(StringBuilder text, string key, object? value)
    {
        if (value?.ToString() is { Length: > 0 } said)
            text.Append("    ").Append(key).Append(' ').Append(said).Append('\n');
    }
}
