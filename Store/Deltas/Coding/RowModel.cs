namespace ContentTree.Store.Deltas.Coding;

/// <summary>Values of four bits, bit by bit: a row of sixteen slots for each context, the nodes of a binary tree.</summary>
internal sealed unsafe class RowModel<TCoder, TWidth> : IByteModel
    where TCoder : struct, IBitCoder
    where TWidth : struct, IContextWidth
{
    private const int Nodes = 256;
    private readonly DecisionCoder<TCoder, TWidth> _decisions;
    private readonly RowTable<TWidth, BitRow> _table;
    private readonly short* _weights;
    private readonly int _mixers;

    /// <param name="bits">Pairs of rows of each context, as a power of two.</param>
    /// <param name="mixers">Sets of 256 mixers, one for each node of a byte; a power of two.</param>
    public RowModel(DecisionCoder<TCoder, TWidth> decisions, ModelMemory memory, int bits, int mixers)
    {
        (_decisions, _mixers) = (decisions, mixers);
        _table = new(memory, bits);
        _weights = memory.Take<short>(mixers * Nodes * DecisionCoder<TCoder, TWidth>.Weights);
    }

    public uint* Contexts => _table.Contexts;

    public void Clear()
    {
        _table.Clear();
        DecisionCoder<TCoder, TWidth>.Clear(_weights, _mixers * Nodes);
    }

    public int CodeByte(uint set, int value)
    {
        var weights = Weights(set);
        _table.Find(0);
        var node = 1;
        for (var bit = 7; bit >= 4; bit--)
            node = (node << 1) | _decisions.Code(_table.Rows, node, WeightsOf(weights, node), (value >> bit) & 1);
        _table.Find((uint)node);
        var low = 1;
        for (var bit = 3; bit >= 0; bit--)
        {
            var one = _decisions.Code(_table.Rows, low, WeightsOf(weights, node), (value >> bit) & 1);
            (node, low) = ((node << 1) | one, (low << 1) | one);
        }
        return node & 0xFF;
    }

    public int CodeChanged(uint set, int count, int value)
    {
        var weights = Weights(set);
        _table.Find(0);
        var (node, flags) = (1, 0);
        for (var place = 0; place < count; place++)
        {
            var one = place == count - 1 && flags == 0
                ? 1
                : _decisions.Code(_table.Rows, node, WeightsOf(weights, node), (value >> place) & 1);
            (node, flags) = ((node << 1) | one, flags | (one << place));
        }
        return flags;
    }

    private short* Weights(uint set) =>
        _weights + ((set & (uint)(_mixers - 1)) * Nodes * DecisionCoder<TCoder, TWidth>.Weights);

    private static short* WeightsOf(short* weights, int node) => weights + (node * DecisionCoder<TCoder, TWidth>.Weights);
}
