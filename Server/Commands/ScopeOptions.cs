using System.CommandLine;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Commands;

/// <summary><c>--fleet</c>, <c>--group</c> and <c>--device</c>: whose values are meant.</summary>
internal sealed class ScopeOptions
{
    private readonly Option<bool> _fleet = new("--fleet") { Description = "all devices" };
    private readonly Option<string?> _group = new("--group") { Description = "the devices of a group", HelpName = "GROUP" };
    private readonly Option<string?> _device = new("--device") { Description = "one device, by its id", HelpName = "DEVICE" };

    public void AddTo(Command command)
    {
        command.Add(_fleet);
        command.Add(_group);
        command.Add(_device);
    }

    /// <exception cref="UsageException">Not one of them.</exception>
    public ConfigurationScope Read(ParseResult parsed)
    {
        ConfigurationScope[] scopes = [
            .. parsed.GetValue(_fleet) ? [new ConfigurationScope.Fleet()] : Array.Empty<ConfigurationScope>(),
            .. parsed.GetValue(_group) is { } group ? [new ConfigurationScope.Group(GroupName.Parse(group))] : Array.Empty<ConfigurationScope>(),
            .. parsed.GetValue(_device) is { } device ? [new ConfigurationScope.Device(KeyId.Parse(device))] : Array.Empty<ConfigurationScope>()];
        return scopes is [var scope] ? scope : throw new UsageException("say one of --fleet, --group GROUP and --device DEVICE");
    }
}
