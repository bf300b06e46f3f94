using ContentTree.Server.Fleet.Groups;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Configurations;

/// <summary>Whose values these are: <c>fleet</c>, <c>group:NAME</c> or <c>device:ID</c>. Of a key the most specific one counts.</summary>
internal abstract record ConfigurationScope
{
    private ConfigurationScope()
    {
    }

    /// <summary>How the scopes of devices begin.</summary>
    public const string DevicePrefix = "device:";

    /// <exception cref="FormatException">It is none.</exception>
    public static ConfigurationScope Parse(string? text) => text?.Split(':', 2) switch
    {
        ["fleet"] => new Fleet(),
        ["group", var name] => new Group(GroupName.Parse(name)),
        ["device", var id] => new Device(KeyId.Parse(id)),
        _ => throw new FormatException($"'{text}' is none of fleet, group:NAME and device:ID"),
    };

    /// <summary>As people read it: <c>the fleet</c>, <c>group lab</c>.</summary>
    public abstract string Words { get; }

    public sealed record Fleet : ConfigurationScope
    {
        public override string Words => "the fleet";

        public override string ToString() => "fleet";
    }

    public sealed record Group(GroupName Name) : ConfigurationScope
    {
        public override string Words => $"group {Name}";

        public override string ToString() => $"group:{Name}";
    }

    public sealed record Device(KeyId Id) : ConfigurationScope
    {
        public override string Words => $"device {Id}";

        public override string ToString() => $"{DevicePrefix}{Id}";
    }
}
