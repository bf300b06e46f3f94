using System.Runtime.CompilerServices;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>Decisions that stand alone: a slot for each context, found by its hash.</summary>
internal sealed unsafe class FlagModel<TCoder, TWidth>
    where TCoder : struct, IBitCoder
    where TWidth : struct, IContextWidth
{
    private const uint LineSlots = 32;
    private readonly DecisionCoder<TCoder, TWidth> _decisions;
    private readonly ushort* _slots;
    private readonly ushort** _chosen;
    private readonly short* _weights;
    private readonly int _bits;
    private readonly int _mixers;

    /// <param name="bits">Slots of each context, as a power of two.</param>
    /// <param name="mixers">Sets of weights; a power of two.</param>
    public FlagModel(DecisionCoder<TCoder, TWidth> decisions, ModelMemory memory, int bits, int mixers)
    {
        (_decisions, _bits, _mixers) = (decisions, bits, mixers);
        _slots = memory.Take<ushort>(TWidth.Contexts << bits);
        _chosen = (ushort**)memory.Take<nint>(TWidth.Contexts);
        _weights = memory.Take<short>(mixers * DecisionCoder<TCoder, TWidth>.Weights);
        Contexts = memory.Take<uint>(8);
    }

    /// <summary>Hashes of the contexts, most telling first; a narrow profile uses only its share.</summary>
    public uint* Contexts { get; }

    public void Clear()
    {
        new Span<ushort>(_slots, TWidth.Contexts << _bits).Fill(BitRow.NewSlot);
        DecisionCoder<TCoder, TWidth>.Clear(_weights, _mixers);
    }

    /// <summary>Slots of one context that differ only by a few bits lie in one cache line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Near(uint hash, uint variant) => hash ^ ((variant & (LineSlots - 1)) << (32 - _bits));

    /// <summary>Announces that a context with this hash, or one near it, comes soon.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Expect(int context, uint hash)
    {
        if (context < TWidth.Contexts)
            CacheLine.Fetch(_slots + (context << _bits) + (hash >> (32 - _bits)));
    }

    public bool Code(uint mixer, bool bit)
    {
        // A hash shifted down to _bits bits and a masked mixer cannot leave their tables.
        for (var i = 0; i < TWidth.Contexts; i++)
            _chosen[i] = _slots + (i << _bits) + (Contexts[i] >> (32 - _bits));
        var weights = _weights + ((mixer & (uint)(_mixers - 1)) * DecisionCoder<TCoder, TWidth>.Weights);
        return _decisions.Code(_chosen, 0, weights, bit ? 1 : 0) != 0;
    }
}
