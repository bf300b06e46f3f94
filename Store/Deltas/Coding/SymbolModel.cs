using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>
/// Values of four bits as one decision among sixteen: each context has a distribution, and one after the other is blended in with
/// the share that it has earned. A quarter of the decisions that <see cref="RowModel{TCoder,TWidth}"/> takes.
/// </summary>
internal sealed unsafe class SymbolModel<TCoder, TWidth> : IByteModel
    where TCoder : struct, IBitCoder
    where TWidth : struct, IContextWidth
{
    private const int Symbols = 16;

    // What every symbol keeps, in 1/32768: rounding takes at most one a blend, so none can vanish.
    private const int Floor = 5;
    private const int LongestMemory = 12;
    private const int ShareRate = 4;
    private const short FirstShare = 1 << 14;
    private const short UnseenShare = 300;
    private const int LeastShare = 64;
    private const int MostShare = 32700;
    private const int Counts = SymbolRow.MaxSeen + 1;

    // Sixteen slots and the one behind, whole cache lines apart.
    private const int Distance = 32;
    private readonly DecisionCoder<TCoder, TWidth> _decisions;
    private readonly RowTable<TWidth, SymbolRow> _table;
    private readonly short* _shares;
    private readonly short* _targets;
    private readonly short* _rates;
    private readonly ushort* _own;
    private readonly ushort* _blended;
    private readonly int _sets;

    /// <param name="bits">Pairs of rows of each context, as a power of two.</param>
    /// <param name="sets">Sets of shares for the two halves of a byte; a power of two.</param>
    public SymbolModel(DecisionCoder<TCoder, TWidth> decisions, ModelMemory memory, int bits, int sets)
    {
        (_decisions, _sets) = (decisions, 2 * sets);
        _table = new(memory, bits);
        _shares = memory.Take<short>(_sets * TWidth.Contexts * Counts);
        _targets = memory.Take<short>(Symbols * Symbols);
        _rates = memory.Take<short>(Counts);
        _own = memory.Take<ushort>(TWidth.Contexts * Distance);
        _blended = memory.Take<ushort>(TWidth.Contexts * Distance);
        FillTables();
    }

    public uint* Contexts => _table.Contexts;

    public void Clear()
    {
        _table.Clear();
        for (var i = 0; i < _sets * TWidth.Contexts * Counts; i++)
            _shares[i] = i % Counts == 0 ? UnseenShare : FirstShare;
    }

    public int CodeByte(uint set, int value)
    {
        _table.Find(0);
        var high = Code(2 * set, value >> 4);
        _table.Find((uint)high + 1);
        return (high << 4) | Code((2 * set) + 1, value & 15);
    }

    public int CodeChanged(uint set, int count, int value)
    {
        if (count == 1)
            return 1;
        _table.Find(0);
        value = Code(2 * set, value);
        return value > 0 && value >> count == 0 ? value : throw new CorruptDeltaException("a unit changes in no byte, or outside of it");
    }

    private void FillTables()
    {
        for (var symbol = 0; symbol < Symbols; symbol++)
            for (var i = 0; i < Symbols; i++)
                _targets[(symbol * Symbols) + i] = (short)(i <= symbol ? i * Floor : (1 << 15) - ((Symbols - i) * Floor));
        for (var seen = 0; seen < Counts; seen++)
            _rates[seen] = (short)Math.Min(short.MaxValue, (1 << 16) / Math.Min(seen + 2, LongestMemory));
        for (var i = 0; i < TWidth.Contexts; i++)
            (_own[(i * Distance) + Symbols], _blended[(i * Distance) + Symbols]) = (1 << 15, 1 << 15);
    }

    private int Code(uint set, int value)
    {
        // A masked set cannot leave its table.
        var shares = _shares + ((set & (uint)(_sets - 1)) * (uint)(TWidth.Contexts * Counts));
        Blend(shares);
        var symbol = _decisions.Coder.CodeSymbol(value, _blended + ((TWidth.Contexts - 1) * Distance));
        for (var i = 1; i < TWidth.Contexts; i++)
            Reward(shares + (i * Counts) + SymbolRow.Seen(_table.Rows[i]), i, symbol);
        for (var i = 0; i < TWidth.Contexts; i++)
            Learn(_table.Rows[i], symbol);
        return symbol;
    }

    private void Blend(short* shares)
    {
        var row = (short*)_table.Rows[0];
        var lower = Vector128.LoadAligned(row).WithElement(0, (short)0);
        var upper = Vector128.LoadAligned(row + 8);
        Put(_blended, lower, upper);
        for (var i = 1; i < TWidth.Contexts; i++)
        {
            row = (short*)_table.Rows[i];
            var ownLower = Vector128.LoadAligned(row).WithElement(0, (short)0);
            var ownUpper = Vector128.LoadAligned(row + 8);
            Put(_own + (i * Distance), ownLower, ownUpper);
            var share = Vector128.Create(shares[(i * Counts) + SymbolRow.Seen((ushort*)row)]);
            lower += Lanes.MultiplyHigh(ownLower - lower, share) << 1;
            upper += Lanes.MultiplyHigh(ownUpper - upper, share) << 1;
            Put(_blended + (i * Distance), lower, upper);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(ushort* place, Vector128<short> lower, Vector128<short> upper)
    {
        lower.AsUInt16().StoreAligned(place);
        upper.AsUInt16().StoreAligned(place + 8);
    }

    // A share moves towards the probability that the symbol came from this context and not from those blended before.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Reward(short* share, int context, int symbol)
    {
        var own = Width(_own + (context * Distance), symbol);
        var before = Width(_blended + ((context - 1) * Distance), symbol);
        var after = Width(_blended + (context * Distance), symbol);
        var open = (*share * ((1 << 15) - *share)) >> 15;
        *share = (short)Math.Clamp(*share + ((own - before) * open / after >> ShareRate), LeastShare, MostShare);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Width(ushort* cumulative, int symbol) => cumulative[symbol + 1] - cumulative[symbol];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Learn(ushort* row, int symbol)
    {
        var head = row[0];
        var target = _targets + (symbol * Symbols);
        var seen = head & SymbolRow.MaxSeen;
        var rate = Vector128.Create(_rates[seen]);
        var lower = Vector128.LoadAligned((short*)row);
        var upper = Vector128.LoadAligned((short*)row + 8);
        lower += Lanes.MultiplyHigh(Vector128.LoadAligned(target) - lower, rate);
        upper += Lanes.MultiplyHigh(Vector128.LoadAligned(target + 8) - upper, rate);
        Put(row, lower, upper);
        row[0] = (ushort)(seen == SymbolRow.MaxSeen ? head : head + 1);
    }
}
