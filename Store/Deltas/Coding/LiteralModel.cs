namespace ContentTree.Store.Deltas.Coding;

/// <summary>Bytes that resemble no old ones: guessed from those before, from earlier literals and from the old byte at this place.</summary>
internal sealed unsafe class LiteralModel<TCoder, TWidth>
    where TCoder : struct, IBitCoder
    where TWidth : struct, IContextWidth
{
    private const int MinRaw = 2048;
    private const uint LongMatch = 16;
    private readonly DecisionCoder<TCoder, TWidth> _decisions;
    private readonly FlagModel<TCoder, TWidth> _hits;
    private readonly FlagModel<TCoder, TWidth> _raw;
    private readonly IByteModel _bytes;
    private readonly LiteralHistory _history;

    public LiteralModel(DecisionCoder<TCoder, TWidth> decisions, ModelMemory memory)
    {
        _decisions = decisions;
        _hits = new(decisions, memory, 12, 64);
        _raw = new(decisions, memory, 4, 1);
        _bytes = decisions.Bytes(memory, 13 - TWidth.Shrink, 8);
        _history = new(memory);
    }

    public void Clear()
    {
        _hits.Clear();
        _raw.Clear();
        _bytes.Clear();
        _history.Clear();
    }

    public void Code(in Piece piece)
    {
        if (piece.Length >= MinRaw && _raw.Code(0, !TCoder.Decodes && IsRandom(piece)))
        {
            for (var at = 0; at < piece.Length; at++)
                piece.New[at] = (byte)_decisions.Coder.CodeEven(piece.New[at]);
            return;
        }
        for (var at = 0; at < piece.Length; at++)
        {
            var value = CodeByte(piece.New + at, piece.Old[at]);
            piece.New[at] = value;
            _history.Add(value);
        }
    }

    private byte CodeByte(byte* place, uint old)
    {
        var (guess, matched) = (_history.Guess, _history.MatchLength);
        if (matched >= LongMatch && CodeHit(place, old, guess, matched))
            return (byte)guess;
        uint a = place[-1], b = place[-2], c = place[-3], d = place[-4];
        var sure = Math.Min(matched, 15u);
        var h = _bytes.Contexts;
        h[0] = Hash.Of(a, 21);
        h[1] = Hash.Of(old | (a << 8), 26);
        h[2] = Hash.Of(guess | (sure << 9), 25);
        if (TWidth.Contexts == 7)
        {
            h[3] = Hash.Of(a | (b << 8), 22);
            h[4] = Hash.Of(a | (b << 8) | (c << 16), 23);
            h[5] = Hash.Of(a | (b << 8) | (c << 16) | (d << 24), 24);
            h[6] = Hash.Of(b | (c << 8) | (guess << 16), 27);
        }
        return (byte)_bytes.CodeByte(sure < 7 ? sure : 7, *place);
    }

    private bool CodeHit(byte* place, uint old, uint guess, uint matched)
    {
        var length = Math.Min(matched / 4, 31);
        var h = _hits.Contexts;
        h[0] = Hash.Of(length, 31);
        h[1] = Hash.Of(guess | ((uint)place[-1] << 8), 32);
        h[2] = Hash.Of(guess | (length << 8) | (old == guess ? 1u << 16 : 0), 33);
        h[3] = Hash.Of(guess | ((uint)place[-1] << 8) | ((uint)place[-2] << 16), 34);
        h[4] = Hash.Of(guess, 35);
        h[5] = Hash.Of(guess | (old << 8), 36);
        h[6] = Hash.Of(length | ((uint)place[-1] << 8), 37);
        return _hits.Code(length, guess == *place);
    }

    // More than 7.9 bits a byte when each is coded by its frequency: nothing that a model could learn.
    private static bool IsRandom(in Piece piece)
    {
        var counts = new int[256];
        for (var at = 0; at < piece.Length; at++)
            counts[piece.New[at]]++;
        var bits = 0.0;
        foreach (var count in counts)
            if (count > 0)
                bits -= count * Math.Log2((double)count / piece.Length);
        return bits > 7.9 * piece.Length;
    }
}
