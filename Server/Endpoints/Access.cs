using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>Who may use a route.</summary>
internal abstract record Access
{
    private Access()
    {
    }

    /// <summary>As docs/protocol.md says it.</summary>
    public abstract string Word { get; }

    /// <summary>Anybody; what only a private branch reaches is not found for strangers.</summary>
    public sealed record Anyone : Access
    {
        public override string Word => "anyone";
    }

    /// <summary>Whoever signs with a device's key.</summary>
    /// <param name="State">A device that signs but is not accepted: "accepted" refuses it, "any" answers, "new" takes one that nobody knows.</param>
    public sealed record Device(string State = Device.Accepted) : Access
    {
        public const string Accepted = "accepted";
        public const string Any = "any";
        public const string New = "new";

        public override string Word => State == New ? "signed by the device key in it" : "device";
    }

    /// <summary>Whoever knows the secret of a hook.</summary>
    public sealed record Hook : Access
    {
        public override string Word => "whoever knows the hook's secret";
    }

    /// <summary>The bearer of a token of one of these roles, or of one that includes it (<see cref="TokenRole.Includes"/>).</summary>
    public sealed record Roles(params string[] Least) : Access
    {
        public override string Word => string.Join(", ", Least) + (IsGrouped ? "; of groups" : "");

        /// <summary>Also for tokens that are limited to groups, which see and change what is of these.</summary>
        public bool IsGrouped { get; init; }

        public bool Allows(string role) => Least.Any(least => TokenRole.Includes(role, least));
    }
}
