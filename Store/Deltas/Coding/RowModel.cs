using System.Runtime.CompilerServices;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>
/// Values of four bits: a row of sixteen slots for each context, the first of them a check of whose row it is, the others
/// the nodes of a binary tree. Two rows share a cache line and a context may have either.
/// </summary>
internal sealed unsafe class RowModel<TCoder, TWidth>
    where TCoder : struct, IBitCoder
    where TWidth : struct, IContextWidth
{
    private const int RowSlots = 16;
    private const int LineSlots = 2 * RowSlots;
    private const int Nodes = 256;
    private readonly DecisionCoder<TCoder, TWidth> _decisions;
    private readonly ushort* _slots;
    private readonly ushort** _rows;
    private readonly ushort* _checks;
    private readonly short* _weights;
    private readonly int _bits;
    private readonly int _mixers;

    /// <param name="bits">Pairs of rows of each context, as a power of two.</param>
    /// <param name="mixers">Sets of 256 mixers, one for each node of a byte; a power of two.</param>
    public RowModel(DecisionCoder<TCoder, TWidth> decisions, ModelMemory memory, int bits, int mixers)
    {
        (_decisions, _bits, _mixers) = (decisions, bits, mixers);
        _slots = memory.Take<ushort>((TWidth.Contexts * LineSlots) << bits);
        _rows = (ushort**)memory.Take<nint>(TWidth.Contexts);
        _checks = memory.Take<ushort>(TWidth.Contexts);
        _weights = memory.Take<short>(mixers * Nodes * DecisionCoder<TCoder, TWidth>.Weights);
        Contexts = memory.Take<uint>(8);
    }

    /// <summary>Hashes of the contexts, most telling first; a narrow profile uses only its share.</summary>
    public uint* Contexts { get; }

    public void Clear()
    {
        new Span<ushort>(_slots, (TWidth.Contexts * LineSlots) << _bits).Fill(DecisionCoder<TCoder, TWidth>.NewSlot);
        DecisionCoder<TCoder, TWidth>.Clear(_weights, _mixers * Nodes);
    }

    public int CodeByte(uint mixer, int value)
    {
        var weights = Weights(mixer);
        FindRows(0);
        var node = 1;
        for (var bit = 7; bit >= 4; bit--)
            node = (node << 1) | _decisions.Code(_rows, node, WeightsOf(weights, node), (value >> bit) & 1);
        FindRows((uint)node);
        var low = 1;
        for (var bit = 3; bit >= 0; bit--)
        {
            var one = _decisions.Code(_rows, low, WeightsOf(weights, node), (value >> bit) & 1);
            (node, low) = ((node << 1) | one, (low << 1) | one);
        }
        return node & 0xFF;
    }

    /// <summary>Flags for <paramref name="count"/> places (at most 4), at least one of them set; the first is the lowest bit.</summary>
    public int CodeChanged(uint mixer, int count, int value)
    {
        var weights = Weights(mixer);
        FindRows(0);
        var (node, flags) = (1, 0);
        for (var place = 0; place < count; place++)
        {
            var one = place == count - 1 && flags == 0
                ? 1
                : _decisions.Code(_rows, node, WeightsOf(weights, node), (value >> place) & 1);
            (node, flags) = ((node << 1) | one, flags | (one << place));
        }
        return flags;
    }

    private short* Weights(uint mixer) =>
        _weights + ((mixer & (uint)(_mixers - 1)) * Nodes * DecisionCoder<TCoder, TWidth>.Weights);

    private static short* WeightsOf(short* weights, int node) => weights + (node * DecisionCoder<TCoder, TWidth>.Weights);

    private void FindRows(uint node)
    {
        // All seven lines are asked for before the first is looked at.
        for (var i = 0; i < TWidth.Contexts; i++)
        {
            var hash = Hash.Continue(Contexts[i], node);
            _checks[i] = (ushort)hash;
            // Shifted down to _bits bits, a hash cannot leave its table.
            _rows[i] = _slots + (((i << _bits) + (hash >> (32 - _bits))) * LineSlots);
            CacheLine.Fetch(_rows[i]);
        }
        for (var i = 0; i < TWidth.Contexts; i++)
            _rows[i] = FindRow(_rows[i], _checks[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ushort* FindRow(ushort* line, ushort check)
    {
        if (line[0] == check)
            return line;
        return line[RowSlots] == check ? line + RowSlots : Replace(line, check);
    }

    // The row whose first node has seen less goes.
    private static ushort* Replace(ushort* line, ushort check)
    {
        var row = line[1] >> 13 <= line[RowSlots + 1] >> 13 ? line : line + RowSlots;
        new Span<ushort>(row, RowSlots).Fill(DecisionCoder<TCoder, TWidth>.NewSlot);
        row[0] = check;
        return row;
    }
}
