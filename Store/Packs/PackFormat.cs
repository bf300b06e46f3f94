namespace ContentTree.Store.Packs;

/// <summary>The numbers of docs/format/pack.md.</summary>
internal static class PackFormat
{
    public const int MagicBytes = 4;
    public const int ChecksumBytes = 8;

    /// <summary>Checksum, number, stored length, content length.</summary>
    public const int HeaderBytes = ChecksumBytes + 12;

    /// <summary>Bytes a frame decodes to. A link that is cut in the middle of a frame loses what came of it.</summary>
    public const int MaxContentBytes = 64 << 10;

    /// <summary>Bytes of a frame behind its header.</summary>
    public const int MaxStoredBytes = MaxContentBytes + MaxContentBytes / 64 + 1024;

    /// <summary>How far back a frame may copy, as a power of two: the memory that a device needs.</summary>
    public const int WindowLog = 22;

    public const int MaxVarintBytes = 10;

    public static ReadOnlySpan<byte> RequestMagic => "CTR1"u8;

    public static ReadOnlySpan<byte> Magic => "CTP1"u8;
}
