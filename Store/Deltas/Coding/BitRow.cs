namespace ContentTree.Store.Deltas.Coding;

/// <summary>A row for four binary decisions: behind the check stand the nodes of their tree.</summary>
internal readonly unsafe struct BitRow : IRow
{
    private const int Slots = 16;

    /// <summary>A slot that has seen nothing: even odds.</summary>
    public const ushort NewSlot = 1 << 12;

    public static ushort Nobody => NewSlot;

    public static ushort CheckMask => 0xFFFF;

    // The count of the first node: all decisions begin there.
    public static int Seen(ushort* row) => row[1] >> 13;

    public static void Reset(ushort* row, ushort check)
    {
        new Span<ushort>(row, Slots).Fill(NewSlot);
        row[0] = check;
    }
}
