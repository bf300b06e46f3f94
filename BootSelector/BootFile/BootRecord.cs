namespace ContentTree.BootFile;

/// <summary>
/// What a slot of the boot file says (docs/format/boot-file.md): which deployment to boot, which one to fall back to, and how
/// many boots are left for it. 512 bytes of text with a CRC-32.
/// </summary>
public sealed record BootRecord
{
    /// <summary>Bytes of an encoded record: one sector on every medium.</summary>
    public const int Size = 512;

    /// <summary>The version this code writes. Later ones only add fields, so any version is readable.</summary>
    public const int Version = 1;

    /// <summary>The highest count of boots a record can grant.</summary>
    public const int MaxTries = 99;

    /// <summary>The boots a deployment is given where nobody says otherwise.</summary>
    public const int DefaultTries = 3;

    /// <summary>The highest sequence; a medium wears out long before.</summary>
    public const ulong MaxSequence = long.MaxValue;

    private readonly int _triesLeft;

    /// <summary>Rises by one with every write; the valid slot with the higher one counts. <see cref="BootSlots.Write"/> sets it.</summary>
    public ulong Sequence { get; init; }

    /// <summary>The deployment its owner chose.</summary>
    public required DeploymentName Wanted { get; init; }

    /// <summary>The last confirmed deployment before it, if there is one: what a trial falls back to.</summary>
    public DeploymentName? Previous { get; init; }

    /// <summary>How far the wanted deployment has come.</summary>
    public required BootState State { get; init; }

    /// <summary>
    /// Boots left, 0 to <see cref="MaxTries"/>: of the wanted deployment in a trial; in a fallback of <see cref="LastResort"/>,
    /// or without one of the previous deployment. Means nothing in state good.
    /// </summary>
    public int TriesLeft
    {
        get => _triesLeft;
        init => _triesLeft = value is >= 0 and <= MaxTries
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, $"tries are 0 to {MaxTries}");
    }

    /// <summary>
    /// In a fallback: the deployment being tried after the previous one failed as well. Only the selector sets it; the walk
    /// through last resorts goes one way, so it ends.
    /// </summary>
    public DeploymentName? LastResort { get; init; }

    /// <summary>For people.</summary>
    public override string ToString() =>
        $"sequence {Sequence}, wanted {Wanted}, previous {Previous?.ToString() ?? "none"}, {BootRecordFormat.NameOf(State)}, {TriesLeft} tries left" +
        (LastResort is { } last ? $", last resort {last}" : "");

    /// <summary>The 512 bytes of a slot.</summary>
    public byte[] Encode() => BootRecordFormat.Encode(this);

    /// <summary>Reads a slot's bytes; garbage of any kind and length gives false and the reason, never an exception.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out BootRecord? record, out string problem) =>
        BootRecordFormat.TryDecode(bytes, out record, out problem);
}
