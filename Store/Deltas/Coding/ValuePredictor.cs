using System.Runtime.CompilerServices;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>
/// Guesses the new value of a four-byte unit from what became of the same value, of nearby ones, and of the units before.
/// Each guess keeps an average of how often it was right.
/// </summary>
internal sealed unsafe class ValuePredictor
{
    private const int LargestValueBits = 16;
    private const int LargestShiftBits = 13;
    private const int Guesses = 5;
    private readonly int _valueBits;
    private readonly int _shiftBits;
    private readonly Entry* _values;
    private readonly Entry* _shifts;
    private readonly Entry* _targets;
    private readonly Entry* _moves;
    private readonly uint* _guess;
    private readonly byte* _success;
    private Entry* _first;
    private Entry* _second;
    private uint _key;
    private int _count;
    private int _rank;

    public ValuePredictor(ModelMemory memory, int shrink)
    {
        (_valueBits, _shiftBits) = (LargestValueBits - shrink, LargestShiftBits - shrink);
        _values = memory.Take<Entry>(1 << _valueBits);
        _shifts = memory.Take<Entry>(1 << _shiftBits);
        _targets = memory.Take<Entry>(1 << _valueBits);
        _moves = memory.Take<Entry>(1 << _shiftBits);
        _guess = memory.Take<uint>(Guesses);
        _success = memory.Take<byte>(2 * Guesses);
    }

    /// <summary>Guesses that exist, those that differ from the old value, and those that agree with the best: bit masks.</summary>
    public uint Valid { get; private set; }

    public uint Moving { get; private set; }

    public uint Agreeing { get; private set; }

    /// <summary>Which guess is best, or -1 when none differs from the old value.</summary>
    public int Best { get; private set; }

    public uint BestScore { get; private set; }

    public uint BestValue { get; private set; }

    public void Clear()
    {
        new Span<Entry>(_values, 1 << _valueBits).Clear();
        new Span<Entry>(_shifts, 1 << _shiftBits).Clear();
        new Span<Entry>(_targets, 1 << _valueBits).Clear();
        new Span<Entry>(_moves, 1 << _shiftBits).Clear();
        new Span<byte>(_success, 2 * Guesses).Clear();
    }

    /// <summary>The success of a guess in four steps.</summary>
    public uint Success(int guess) => (uint)_success[_rank + guess] >> 6;

    /// <summary>Announces that a unit will be guessed soon.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Expect(in Piece piece, int at, in Unit unit)
    {
        if (unit.Relative)
            CacheLine.Fetch(_targets + Place(unit.Old + (uint)(piece.OldPosition + at), _valueBits));
        else
            CacheLine.Fetch(_values + Place(unit.Old, _valueBits));
    }

    public void Guess(in Piece piece, int at, in Unit unit)
    {
        Valid = 0;
        (_count, _rank) = (0, 0);
        if (unit.Relative)
            GuessTarget(piece, at, unit.Old);
        else if (unit.Length == 4)
            GuessValue(piece, at, unit.Old);
        Rank(unit.Old);
    }

    /// <summary>What the unit became.</summary>
    public void Learn(in Piece piece, int at, in Unit unit, uint value, bool changed)
    {
        for (var (i, left) = (0, Moving); left != 0; i++, left >>= 1)
            if ((left & 1) != 0)
                Score(ref _success[_rank + i], changed, value == _guess[i]);
        if (unit.Relative)
        {
            var target = value + (uint)(piece.NewPosition + at);
            *_first = new Entry(_key, target);
            *_second = new Entry(_key >> 8, target - _key);
        }
        else if (unit.Length == 4 && (changed || (Valid & 1) != 0))
        {
            *_first = new Entry(_key, value);
            *_second = new Entry(_key >> 6, value - _key);
        }
    }

    private void GuessTarget(in Piece piece, int at, uint old)
    {
        var from = (uint)(piece.NewPosition + at);
        _key = old + (uint)(piece.OldPosition + at);
        _first = _targets + Place(_key, _valueBits);
        _second = _moves + Place(_key >> 8, _shiftBits);
        (_count, _rank) = (2, Guesses);
        Add(0, _first->Key == _key, _first->Value - from);
        Add(1, _second->Key == _key >> 8, _key + _second->Value - from);
    }

    private void GuessValue(in Piece piece, int at, uint old)
    {
        _key = old;
        _first = _values + Place(_key, _valueBits);
        _second = _shifts + Place(_key >> 6, _shiftBits);
        (_count, _rank) = (5, 0);
        Add(0, _first->Key == _key, _first->Value);
        Add(1, _second->Key == _key >> 6, old + _second->Value);
        var copied = piece.Copied + at;
        Add(2, copied >= 24, old + piece.ChangeAt(at, 24));
        Add(3, copied >= 12, old + piece.ChangeAt(at, 12));
        Add(4, copied >= 8, old + piece.ChangeAt(at, 8));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Add(int guess, bool valid, uint value)
    {
        _guess[guess] = value;
        Valid |= valid ? 1u << guess : 0;
    }

    // Without jumps: which guess moves is hard to predict for the processor too.
    private void Rank(uint old)
    {
        uint moving = 0, best = 0;
        for (var i = 0; i < _count; i++)
        {
            var moves = (Valid >> i) & (_guess[i] != old ? 1u : 0);
            moving |= moves << i;
            best = Math.Max(best, (0 - moves) & (((_success[_rank + i] + 1u) << 3) | (7u - (uint)i)));
        }
        (Moving, Agreeing, Best, BestScore, BestValue) = (moving, 0, -1, 0, old);
        if (moving != 0)
            Choose(7 - (int)(best & 7), best >> 3);
    }

    private void Choose(int best, uint score)
    {
        var (value, agreeing) = (_guess[best], 0u);
        for (var i = 0; i < _count; i++)
            agreeing |= (_guess[i] == value ? 1u : 0) << i;
        (Agreeing, Best, BestScore, BestValue) = (agreeing & Valid, best, score, value);
    }

    private static void Score(ref byte success, bool changed, bool right)
    {
        if (right)
            success += (byte)((255 - success) >> 3);
        else
            success -= (byte)(success >> (changed ? 3 : 4));
    }

    // The upper bits of a product: cannot leave the table.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Place(uint key, int bits) => (key * 0x9E3779B1) >> (32 - bits);

    private readonly record struct Entry(uint Key, uint Value);
}
