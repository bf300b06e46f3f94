namespace ContentTree.Server.Auditing;

/// <summary>Who makes a change.</summary>
/// <param name="Name">As <c>audit list</c> shows it: "anna" of this machine, "token 1a2b3c4d", "device 0123456789abcdef".</param>
/// <param name="Address">From where, for what came over the network.</param>
internal sealed record Actor(string Name, string Address = "")
{
    /// <summary>Whoever runs this program.</summary>
    public static Actor Here => new(Environment.UserName == "root" && Environment.GetEnvironmentVariable("SUDO_USER") is { Length: > 0 } person ? $"root (sudo by {person})" : Environment.UserName);

    /// <summary>A server that does by itself what it was told to go on with.</summary>
    public static Actor Server => new("server");

    /// <summary>Whoever has this token.</summary>
    public static Actor Token(string id, HttpContext context) => new($"token {id}", AddressOf(context));

    /// <summary>A device that signed its request.</summary>
    public static Actor Device(Store.Trust.KeyId id, HttpContext context) => new($"device {id}", AddressOf(context));

    /// <summary>From where a request came.</summary>
    public static string AddressOf(HttpContext context) => context.Connection.RemoteIpAddress is { } address ? $"{(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)}" : "";
}
