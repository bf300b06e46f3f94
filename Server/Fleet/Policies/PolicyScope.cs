using ContentTree.Server.Fleet.Groups;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Policies;

/// <summary>Of whom something is said: <c>device:ID</c>, <c>group:NAME</c> or <c>branch:NAME</c>. The most specific one decides.</summary>
internal abstract record PolicyScope
{
    private PolicyScope()
    {
    }

    /// <exception cref="FormatException">It is none.</exception>
    public static PolicyScope Parse(string? text) => text?.Split(':', 2) switch
    {
        ["device", var id] => new Device(KeyId.Parse(id)),
        ["group", var name] => new Group(GroupName.Parse(name)),
        ["branch", var name] => new Branch(BranchName.Parse(name)),
        _ => throw new FormatException($"'{text}' is none of device:ID, group:NAME and branch:NAME"),
    };

    /// <summary>As people read it: <c>device</c>, <c>group lab</c>.</summary>
    public abstract string Words { get; }

    public sealed record Device(KeyId Id) : PolicyScope
    {
        public override string Words => "device";

        public override string ToString() => $"device:{Id}";
    }

    public sealed record Group(GroupName Name) : PolicyScope
    {
        public override string Words => $"group {Name}";

        public override string ToString() => $"group:{Name}";
    }

    public sealed record Branch(BranchName Name) : PolicyScope
    {
        public override string Words => $"branch {Name}";

        public override string ToString() => $"branch:{Name}";
    }
}
