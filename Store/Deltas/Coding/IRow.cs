namespace ContentTree.Store.Deltas.Coding;

/// <summary>Sixteen slots of 16 bits, the first of which says whose they are.</summary>
internal unsafe interface IRow
{
    /// <summary>The check of rows that are nobody's yet.</summary>
    static abstract ushort Nobody { get; }

    /// <summary>The bits of the first slot that hold the check.</summary>
    static abstract ushort CheckMask { get; }

    /// <summary>How much a row has seen: of two, the one that has seen less goes.</summary>
    static abstract int Seen(ushort* row);

    static abstract void Reset(ushort* row, ushort check);
}
