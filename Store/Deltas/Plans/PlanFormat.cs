namespace ContentTree.Store.Deltas.Plans;

/// <summary>The numbers of the plan's encoding, docs/format/delta.md.</summary>
internal static class PlanFormat
{
    // A directory's list of changes against the old directory.
    public const byte End = 0;
    public const byte Keep = 1;
    public const byte Drop = 2;
    public const byte Content = 3;
    public const byte Subtree = 4;
    public const byte Insert = 5;

    // Where a file's content comes from.
    public const byte NextContent = 0;
    public const byte EarlierContent = 1;
    public const byte OldContent = 2;
    public const byte NoContent = 3;

    // What an inserted directory is.
    public const byte NewTree = 0;
    public const byte PairedTree = 1;
    public const byte OldTree = 2;

    // A part's item.
    public const byte BaseMask = 3;
    public const byte CounterpartBase = 0;
    public const byte NoBase = 1;
    public const byte PlaceBase = 2;
    public const byte IsSlice = 4;
    public const byte UnpackBase = 8;
    public const byte RangeOfBase = 16;
    public const byte KnownFlags = 31;

    /// <summary>Longest content of a compressed file that is unpacked.</summary>
    public const long MaxUnpackedBytes = 1L << 30;

    /// <summary>Memory that packing may take beside the decoders, whatever the header announces for those.</summary>
    public const long MaxPackingMemory = 16L << 20;

    /// <summary>Old entries that new directories may be compared with, all together: each costs time before anything is proved.</summary>
    public const long MaxOldEntries = 1L << 24;

    /// <summary>Directories nest no deeper than PATH_MAX allows.</summary>
    public const int MaxDepth = Objects.Tree.MaxDepth;
}
