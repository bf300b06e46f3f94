using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>
/// Codes one binary decision: each context's slot says a probability, a mixer weighs them, all learn from the outcome.
/// A slot is a count of 0 to 7 in three bits and the probability of a 1 in thirteen.
/// </summary>
internal sealed unsafe class DecisionCoder<TCoder, TWidth>(ModelMemory memory)
    where TCoder : struct, IBitCoder
    where TWidth : struct, IContextWidth
{
    /// <summary>Weights of one mixer: seven contexts and the bias.</summary>
    public const int Weights = 8;

    private const short Bias = 102;
    private const int WeightBits = 13;
    private readonly short* _stretch = Tables(memory);
    private readonly ushort* _squash = Squash(memory);
    public TCoder Coder;

    public static void Clear(short* weights, int mixers)
    {
        for (var i = 0; i < mixers * Weights; i++)
            weights[i] = (short)(i % Weights < TWidth.Contexts ? (1 << WeightBits) * 21 / 10 / TWidth.Contexts : 0);
    }

    /// <summary>A model for bytes: bit by bit, or by halves in a profile that does so.</summary>
    public IByteModel Bytes(ModelMemory memory, int bits, int sets) => TWidth.Symbols
        ? new SymbolModel<TCoder, TWidth>(this, memory, bits, sets)
        : new RowModel<TCoder, TWidth>(this, memory, bits, sets);

    /// <summary>Codes a decision with the slots at <paramref name="node"/> of the rows; the caller keeps both inside their tables.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public int Code(ushort** rows, int node, short* weights, int bit)
    {
        var table = _stretch;
        uint a = rows[0][node], b = rows[1][node], c = rows[2][node], d = 0, e = 0, f = 0, g = 0;
        if (TWidth.Contexts == 7)
            (d, e, f, g) = (rows[3][node], rows[4][node], rows[5][node], rows[6][node]);
        var weighted = Vector128.LoadAligned(weights);
        // A slot has 16 bits, so its upper 14 are an index into the table.
        short first = table[a >> 2], second = table[b >> 2], third = table[c >> 2];
        var inputs = TWidth.Contexts == 7
            ? Vector128.Create(first, second, third, table[d >> 2], table[e >> 2], table[f >> 2], table[g >> 2], Bias)
            : Vector128.Create(first, second, third, 0, 0, 0, 0, Bias);
        // 8 products of 12 and 15 bits: the sum stays below 2^31. Three are summed before a vector would be put together.
        var odds = TWidth.Contexts == 7
            ? Lanes.Dot(inputs, weighted) >> WeightBits
            : ((first * weights[0]) + (second * weights[1]) + ((third * weights[2]) + (Bias * weights[7]))) >> WeightBits;
        int probability = _squash[Math.Clamp(odds, -LogOdds.Limit, LogOdds.Limit - 1) + LogOdds.Limit];
        bit = Coder.Code(bit, probability);
        var error = (short)(((bit << 16) - probability) >> 1);
        var step = Lanes.MultiplyHigh(inputs << 2, Vector128.Create(error));
        Lanes.AddSaturated(weighted, (step + Vector128<short>.One) >> 1).StoreAligned(weights);
        var slots = Vector128.Create((ushort)a, (ushort)b, (ushort)c, (ushort)d, (ushort)e, (ushort)f, (ushort)g, 0);
        Scatter(rows, node, Learn(slots, bit));
        return bit;
    }

    // Distance to the outcome shrinks by a share that falls with the count: 1/1.6, 1/2.6 ... 1/12.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ushort> Learn(Vector128<ushort> slots, int bit)
    {
        var flip = Vector128.Create((ushort)((0 - bit) & 0x1FFF));
        var distance = ((slots & Vector128.Create((ushort)0x1FFF)) ^ flip).AsInt16();
        var counts = (slots >> 13).AsInt16();
        var step = Lanes.MultiplyHigh((distance + Vector128.Create((short)6)) << 2, Rates(counts));
        distance = Vector128.Max(distance - step, Vector128<short>.Zero);
        counts = Vector128.Min(counts + Vector128<short>.One, Vector128.Create((short)7));
        return (distance.AsUInt16() ^ flip) | (counts << 13).AsUInt16();
    }

    // 2^14 / (count + 1.6), and 2^14 / 12 for the last: sums of what is left at each count.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> Rates(Vector128<short> counts)
    {
        var rates = Vector128.Create((short)10240);
        rates -= Vector128.GreaterThan(counts, Vector128<short>.Zero) & Vector128.Create((short)(10240 - 6302));
        rates -= Vector128.GreaterThan(counts, Vector128.Create((short)1)) & Vector128.Create((short)(6302 - 4551));
        rates -= Vector128.GreaterThan(counts, Vector128.Create((short)2)) & Vector128.Create((short)(4551 - 3562));
        rates -= Vector128.GreaterThan(counts, Vector128.Create((short)3)) & Vector128.Create((short)(3562 - 2926));
        rates -= Vector128.GreaterThan(counts, Vector128.Create((short)4)) & Vector128.Create((short)(2926 - 2482));
        rates -= Vector128.GreaterThan(counts, Vector128.Create((short)5)) & Vector128.Create((short)(2482 - 2156));
        return rates - (Vector128.GreaterThan(counts, Vector128.Create((short)6)) & Vector128.Create((short)(2156 - 1365)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scatter(ushort** rows, int node, Vector128<ushort> slots)
    {
        rows[0][node] = slots[0];
        rows[1][node] = slots[1];
        rows[2][node] = slots[2];
        if (TWidth.Contexts != 7)
            return;
        rows[3][node] = slots[3];
        rows[4][node] = slots[4];
        rows[5][node] = slots[5];
        rows[6][node] = slots[6];
    }

    private static short* Tables(ModelMemory memory)
    {
        var table = memory.Take<short>(LogOdds.StretchEntries);
        LogOdds.FillStretch(table);
        return table;
    }

    private static ushort* Squash(ModelMemory memory)
    {
        var table = memory.Take<ushort>(2 * LogOdds.Limit);
        LogOdds.FillSquash(table);
        return table;
    }
}
