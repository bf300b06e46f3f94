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

    /// <summary>From so many earlier commits of a branch deltas to its newest are made in the background; 0 makes none, also none that devices ask for.</summary>
    public int Deltas { get; init; }

    /// <summary>Bytes that deltas may take.</summary>
    public long DeltaQuota { get; init; } = 10L << 30;

    /// <summary>Bytes that coded parts may take, kept for deltas to come.</summary>
    public long PartQuota { get; init; } = 4L << 30;

    /// <summary>Failed attempts with tokens of one address in a minute; with one token a tenth of it.</summary>
    public int MaxFailures { get; init; } = 200;

    /// <summary>Devices of one address in a minute that enrol without a token and are not known yet, and lists of keys that end with a new one.</summary>
    public int MaxStrangers { get; init; } = 300;

    /// <summary>Log lines are JSON, one object a line.</summary>
    public bool LogsJson { get; init; }

    /// <summary>How often heads are looked at that another process may have moved.</summary>
    public TimeSpan HeadScan { get; init; } = TimeSpan.FromSeconds(5);
}
