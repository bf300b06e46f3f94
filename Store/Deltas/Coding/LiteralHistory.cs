namespace ContentTree.Store.Deltas.Coding;

/// <summary>The last literals, and where the same five bytes stood before: from there the next byte is guessed.</summary>
internal sealed unsafe class LiteralHistory
{
    private const int RingBits = 20;
    private const uint RingMask = (1 << RingBits) - 1;
    private const int IndexBits = 16;
    private const uint MinMatch = 4;
    private const uint MaxCompared = 32;
    private readonly byte* _ring;
    private readonly uint* _index;
    private uint _end;
    private ulong _recent;
    private uint _match;

    public LiteralHistory(ModelMemory memory)
    {
        _ring = memory.Take<byte>(1 << RingBits);
        _index = memory.Take<uint>(1 << IndexBits);
    }

    /// <summary>Bytes that the guesses have been right for; 0 when there is no guess.</summary>
    public uint MatchLength { get; private set; }

    /// <summary>The byte that followed last time, or 256.</summary>
    public uint Guess => MatchLength == 0 ? 256u : _ring[_match & RingMask];

    public void Clear()
    {
        new Span<uint>(_index, 1 << IndexBits).Clear();
        // Position 0 in the index means none.
        (_end, _match, MatchLength, _recent) = (1, 0, 0, 0);
    }

    public void Add(byte value)
    {
        if (MatchLength > 0 && Guess == value)
        {
            MatchLength++;
            _match++;
        }
        else
            MatchLength = 0;
        _ring[_end++ & RingMask] = value;
        _recent = (_recent << 8) | value;
        Follow();
    }

    private void Follow()
    {
        if (_end <= 5)
            return;
        ref var entry = ref _index[Hash.Of((uint)_recent, (uint)(_recent >> 32) & 0xFF) >> (32 - IndexBits)];
        if (MatchLength == 0 && entry != 0 && _end - entry < RingMask - MaxCompared)
            Verify(entry);
        entry = _end;
    }

    private void Verify(uint match)
    {
        uint same = 0;
        while (same < MaxCompared && same + 1 < match && _ring[(match - 1 - same) & RingMask] == Last(same + 1))
            same++;
        if (same >= MinMatch)
            (_match, MatchLength) = (match, same);
    }

    private uint Last(uint back) => _ring[(_end - back) & RingMask];
}
