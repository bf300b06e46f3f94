namespace ContentTree.Server.Endpoints;

/// <summary>How a server listens and what it tells devices.</summary>
internal sealed record ServerOptions
{
    /// <summary>Addresses, separated by ';'.</summary>
    public required string Urls { get; init; }

    /// <summary>What devices are told to wait between polls.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>How far a signed request's time may be from the server's, either way.</summary>
    public TimeSpan Skew { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long uploaded objects may wait before they are made durable, when no head asks for it.</summary>
    public TimeSpan UploadIdle { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Packs sent at the same time; each takes about 16 MB.</summary>
    public int MaxPacks { get; init; } = 16;
}
