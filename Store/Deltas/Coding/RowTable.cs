using System.Runtime.CompilerServices;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>Rows of sixteen slots for each context, found by hash. Two rows share a cache line and a context may have either.</summary>
internal sealed unsafe class RowTable<TWidth, TRow>
    where TWidth : struct, IContextWidth
    where TRow : struct, IRow
{
    public const int RowSlots = 16;
    private const int LineSlots = 2 * RowSlots;
    private readonly ushort* _slots;
    private readonly ushort* _checks;
    private readonly int _bits;

    /// <param name="bits">Pairs of rows of each context, as a power of two.</param>
    public RowTable(ModelMemory memory, int bits)
    {
        _bits = bits;
        _slots = memory.Take<ushort>((TWidth.Contexts * LineSlots) << bits);
        _checks = memory.Take<ushort>(TWidth.Contexts);
        Rows = (ushort**)memory.Take<nint>(TWidth.Contexts);
        Contexts = memory.Take<uint>(8);
    }

    /// <summary>Hashes of the contexts, most telling first; a narrow profile uses only its share.</summary>
    public uint* Contexts { get; }

    /// <summary>What <see cref="Find"/> found, a row for each context.</summary>
    public ushort** Rows { get; }

    public void Clear()
    {
        for (var row = 0; row < (2 * TWidth.Contexts) << _bits; row++)
            TRow.Reset(_slots + (row * RowSlots), TRow.Nobody);
    }

    public void Find(uint node)
    {
        // All lines are asked for before the first is looked at.
        for (var i = 0; i < TWidth.Contexts; i++)
        {
            var hash = Hash.Continue(Contexts[i], node);
            _checks[i] = (ushort)(hash & TRow.CheckMask);
            // Shifted down to _bits bits, a hash cannot leave its table.
            Rows[i] = _slots + (((i << _bits) + (hash >> (32 - _bits))) * LineSlots);
            CacheLine.Fetch(Rows[i]);
        }
        for (var i = 0; i < TWidth.Contexts; i++)
            Rows[i] = Find(Rows[i], _checks[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ushort* Find(ushort* line, ushort check)
    {
        if ((line[0] & TRow.CheckMask) == check)
            return line;
        return (line[RowSlots] & TRow.CheckMask) == check ? line + RowSlots : Replace(line, check);
    }

    private static ushort* Replace(ushort* line, ushort check)
    {
        var row = TRow.Seen(line) <= TRow.Seen(line + RowSlots) ? line : line + RowSlots;
        TRow.Reset(row, check);
        return row;
    }
}
