using System.Numerics;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>Numbers of operations: how many bits, one decision each, then the bits from the top.</summary>
internal sealed class NumberModel<TCoder, TWidth>
    where TCoder : struct, IBitCoder
    where TWidth : struct, IContextWidth
{
    private const int LargestBits = 44;
    private const int MixersOfKind = 64;
    private readonly FlagModel<TCoder, TWidth> _flags;
    private readonly uint[] _hashes = new uint[7];

    public NumberModel(DecisionCoder<TCoder, TWidth> decisions, ModelMemory memory, int kinds) =>
        _flags = new FlagModel<TCoder, TWidth>(decisions, memory, 14, MixersOfKind * (int)BitOperations.RoundUpToPowerOf2((uint)kinds));

    public void Clear() => _flags.Clear();

    /// <summary>Codes one number; returns its length in bits too, which is what contexts are made of.</summary>
    public (long Value, uint Bits) Code(long value, uint kind, uint first, uint second, uint third)
    {
        Choose(kind, first, second, third);
        var wanted = value == 0 ? 0 : BitOperations.Log2((ulong)value) + 1;
        var bits = 0;
        while (Decide((uint)bits + 1, (kind * MixersOfKind) + (uint)bits, bits < wanted))
            if (++bits > LargestBits)
                throw new CorruptDeltaException("a number is too large");
        return (CodeBits(value, bits, (kind * MixersOfKind) + MixersOfKind - 1), (uint)bits);
    }

    private long CodeBits(long value, int bits, uint mixer)
    {
        if (bits == 0)
            return 0;
        long read = 1;
        for (var bit = bits - 2; bit >= 0; bit--)
        {
            var known = bits - bit <= 8 ? (uint)read : 999;
            var one = Decide(Hash.Of((uint)((bits << 6) + bit), known), mixer, ((value >> bit) & 1) != 0);
            read = (read << 1) | (one ? 1L : 0);
        }
        return read;
    }

    private bool Decide(uint place, uint mixer, bool bit)
    {
        unsafe
        {
            for (var i = 0; i < _hashes.Length; i++)
                _flags.Contexts[i] = Hash.Of(_hashes[i], place);
        }
        return _flags.Code(mixer, bit);
    }

    private void Choose(uint kind, uint first, uint second, uint third)
    {
        var firstTwo = Hash.Of(first, second);
        _hashes[0] = Hash.Of(kind, 1);
        _hashes[1] = Hash.Of(kind + 16, first);
        _hashes[2] = Hash.Of(kind + 32, third);
        _hashes[3] = Hash.Of(kind + 48, firstTwo);
        _hashes[4] = Hash.Of(kind + 64, second);
        _hashes[5] = Hash.Of(kind + 80, Hash.Of(third, first));
        _hashes[6] = Hash.Of(kind + 96, Hash.Of(third, firstTwo));
    }
}
