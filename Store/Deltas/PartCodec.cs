namespace ContentTree.Store.Deltas;

/// <summary>How the bytes of a part are coded; docs/format/delta.md gives the numbers.</summary>
public enum PartCodec : byte
{
    /// <summary>As they are.</summary>
    Raw = 0,

    /// <summary>One zstd frame.</summary>
    Zstd = 1,

    /// <summary>One zstd frame with the joined old bytes as prefix.</summary>
    ZstdWithBase = 2,

    /// <summary>One xz stream.</summary>
    Xz = 3,

    /// <summary>Context mixing on the aligned old bytes, profile A: smallest.</summary>
    ContextSmallest = 4,

    /// <summary>Context mixing on the aligned old bytes, profile B: half the time.</summary>
    ContextFast = 5,
}
