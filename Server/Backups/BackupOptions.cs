namespace ContentTree.Server.Backups;

/// <summary>What goes into a backup.</summary>
internal sealed record BackupOptions
{
    /// <summary>The private keys of <c>keys/</c> and <c>online-keys/</c>.</summary>
    public bool WithKeys { get; init; } = true;

    /// <summary>Deltas, which can be made again.</summary>
    public bool WithDeltas { get; init; }

    /// <summary>Backups of a directory that are left afterwards, newest first; null keeps all.</summary>
    public int? Keep { get; init; }
}
