using System.Runtime.CompilerServices;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>
/// Bytes that resemble old ones: per block of 32 whether anything differs, per unit whether it changed and whether to the
/// predicted value, else which of its bytes and by how much.
/// </summary>
internal sealed unsafe class CopyModel<TCoder, TWidth>
    where TCoder : struct, IBitCoder
    where TWidth : struct, IContextWidth
{
    private const int BlockSize = 32;
    private readonly FlagModel<TCoder, TWidth> _blocks;
    private readonly FlagModel<TCoder, TWidth> _units;
    private readonly FlagModel<TCoder, TWidth> _hits;
    private readonly IByteModel _places;
    private readonly IByteModel _values;
    private readonly ValuePredictor _predictor;
    private readonly byte* _relative;
    private readonly ChosenUnit* _chosen;
    private Piece _piece;
    private bool _code;
    private uint _blockHistory;
    private uint _unitHistory;
    private uint _lastDifference;
    private uint _olderDifference;
    private uint _lastPlaces;
    private long _lastChange;

    public CopyModel(DecisionCoder<TCoder, TWidth> decisions, ModelMemory memory)
    {
        _blocks = new(decisions, memory, 14, 256);
        _units = new(decisions, memory, 16 - TWidth.Shrink, 2048);
        _hits = new(decisions, memory, 16 - TWidth.Shrink, 2048);
        _places = decisions.Bytes(memory, 12 - TWidth.Shrink, 32);
        _values = decisions.Bytes(memory, 12 - TWidth.Shrink, 16);
        _predictor = new(memory, TWidth.Shrink);
        _relative = memory.Take<byte>(1 << 13);
        Relative.FillTable(_relative);
        _chosen = memory.Take<ChosenUnit>(BlockSize);
    }

    public void Clear()
    {
        _blocks.Clear();
        _units.Clear();
        _hits.Clear();
        _places.Clear();
        _values.Clear();
        _predictor.Clear();
    }

    /// <param name="code">Whether the old file holds x86 code.</param>
    public void StartFile(bool code) => _code = code;

    public void StartOperation()
    {
        (_blockHistory, _unitHistory, _lastDifference, _olderDifference, _lastPlaces) = (0, 0, 0, 0, 0);
        _lastChange = 0;
    }

    public void Code(in Piece piece)
    {
        _piece = piece;
        for (var at = 0; at < piece.Length;)
        {
            var end = Math.Min(piece.Length, at + BlockSize - (int)((piece.NewPosition + at) & (BlockSize - 1)));
            at = CodeBlock(at, end);
        }
    }

    private int CodeBlock(int at, int end)
    {
        var differs = !TCoder.Decodes && !Same(at, end);
        var h = _blocks.Contexts;
        var (near, next) = (_piece.OldWord(at), _piece.OldWord(at + 4));
        h[0] = Hash.Of((_blockHistory & 7) | (_lastDifference << 8), 2);
        h[1] = Hash.Of(near, 5);
        h[2] = Hash.Of(_blockHistory & 255, 1);
        if (TWidth.Contexts == 7)
        {
            h[3] = Hash.Of(_blockHistory & 0xFFFF, 4);
            h[4] = Hash.Of((_blockHistory & 3) | (near << 8), 3);
            h[5] = Hash.Of(next, Hash.Of(_blockHistory & 1, 6));
            h[6] = Hash.Of(_blockHistory & 15, _code ? 8u : 7u);
        }
        differs = _blocks.Code(_blockHistory & 255, differs);
        _blockHistory = (_blockHistory << 1) | (differs ? 1u : 0);
        if (differs)
            return CodeUnits(at, end);
        if (TCoder.Decodes)
            Unsafe.CopyBlockUnaligned(_piece.New + at, _piece.Old + at, (uint)(end - at));
        _unitHistory <<= 8;
        return end;
    }

    private bool Same(int at, int end) =>
        new ReadOnlySpan<byte>(_piece.New + at, end - at).SequenceEqual(new ReadOnlySpan<byte>(_piece.Old + at, end - at));

    private int CodeUnits(int at, int end)
    {
        var count = ChooseUnits(at, end);
        for (var i = 0; i < count; i++)
        {
            ref var chosen = ref _chosen[i];
            var unit = chosen.Unit;
            _predictor.Guess(_piece, at, unit);
            var value = TCoder.Decodes ? unit.Old & unit.Mask : NewValue(at, unit);
            var changed = CodeUnit(at, chosen, ref value);
            if (TCoder.Decodes)
                Put(at, unit.Length, value);
            _predictor.Learn(_piece, at, unit, value, changed);
            at += unit.Length;
        }
        return at;
    }

    // The units of a block follow from its old bytes, so their places in the tables can be asked for at once.
    private int ChooseUnits(int at, int end)
    {
        var count = 0;
        while (at < end)
        {
            ref var chosen = ref _chosen[count++];
            chosen.Unit = NextUnit(at);
            _predictor.Expect(_piece, at, chosen.Unit);
            Expect(at, ref chosen);
            at += chosen.Unit.Length;
        }
        return count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Expect(int at, ref ChosenUnit chosen)
    {
        var (w, kind, length) = (chosen.Unit.Old, chosen.Unit.Kind, (uint)chosen.Unit.Length);
        uint before = _piece.Old[at - 1], older = _piece.Old[at - 2];
        chosen.Word = Hash.Of(w & chosen.Unit.Mask, 16 + kind);
        chosen.Low = Hash.Of((w & 0xFF) | (before << 8) | (older << 16) | (length << 24), 32);
        _units.Expect(1, chosen.Word);
        _units.Expect(2, chosen.Low);
        if (TWidth.Contexts != 7)
            return;
        chosen.Lower = Hash.Of(before | ((w & 0xFFFF) << 8) | (length << 24) | (kind << 28), 49);
        chosen.Upper = Hash.Of(w >> 8, 50 + kind);
        _units.Expect(3, chosen.Lower);
        _units.Expect(4, chosen.Upper);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Unit NextUnit(int at)
    {
        var left = _piece.Length - at;
        var old = _piece.OldWord(at);
        if (_code && left >= 4 && IsRelative(at))
            return new Unit(4, 1, old);
        var length = Math.Min(left, 4 - (int)((_piece.NewPosition + at) & 3));
        for (var i = 1; _code && i < length; i++)
            if (left - i >= 4 && IsRelative(at + i))
                return new Unit(i, 3, old);
        return new Unit(length, length == 4 ? 2u : 3u, old);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsRelative(int at)
    {
        uint before = *(ushort*)(_piece.Old + at - 2);
        return ((_relative[before >> 3] >> (int)(before & 7)) & 1) != 0;
    }

    private uint NewValue(int at, in Unit unit) => _piece.NewWord(at) & unit.Mask;

    private void Put(int at, int length, uint value)
    {
        if (length == 4)
        {
            *(uint*)(_piece.New + at) = value;
            return;
        }
        for (var i = 0; i < length; i++, value >>= 8)
            _piece.New[at + i] = (byte)value;
    }

    private bool CodeUnit(int at, in ChosenUnit chosen, ref uint value)
    {
        var unit = chosen.Unit;
        var old = unit.Old & unit.Mask;
        var changed = CodeChanged(at, chosen, value != old);
        _unitHistory = (_unitHistory << 1) | (changed ? 1u : 0);
        if (!changed)
            return false;
        _lastChange = _piece.Copied + at;
        if (_predictor.Best >= 0 && CodeHit(unit, value == _predictor.BestValue))
        {
            value = _predictor.BestValue;
            (_olderDifference, _lastDifference) = (_lastDifference, (value - old) & 0xFF);
            return true;
        }
        value = CodeBytes(at, unit, value);
        return true;
    }

    private bool CodeChanged(int at, in ChosenUnit chosen, bool changed)
    {
        var (kind, history) = (chosen.Unit.Kind, _unitHistory);
        var scores = _predictor.Success(0) << 10 | _predictor.Success(1) << 12 | _predictor.Success(2) << 14;
        var h = _units.Contexts;
        h[0] = Hash.Of(_predictor.Moving | (_predictor.Valid << 5) | scores | (kind << 16), 48 + (history & 3));
        h[1] = chosen.Word;
        h[2] = _units.Near(chosen.Low, history & 1);
        if (TWidth.Contexts == 7)
        {
            var quiet = (uint)Math.Min(31, _piece.Copied + at - _lastChange);
            h[3] = _units.Near(chosen.Lower, history & 15);
            h[4] = _units.Near(chosen.Upper, (history & 1) | ((history >> 4) & 2));
            h[5] = Hash.Of(quiet | (_lastDifference << 8) | (_predictor.Moving << 16) | (kind << 24) | ((_blockHistory & 6) << 26), 51);
            h[6] = Hash.Of(history & 0xFFF, kind);
        }
        return _units.Code(((_predictor.Moving | (kind << 5)) << 3) | (history & 7), changed);
    }

    private bool CodeHit(in Unit unit, bool hit)
    {
        var (kind, best, change) = (unit.Kind, (uint)_predictor.Best, _predictor.BestValue - unit.Old);
        var scores = _predictor.Success(0) << 10 | _predictor.Success(1) << 12 | _predictor.Success(2) << 14;
        var h = _hits.Contexts;
        h[0] = Hash.Of(best | (_predictor.Agreeing << 3) | (kind << 8) | (_predictor.BestScore << 16), 60);
        h[1] = Hash.Of(change, 63);
        h[2] = Hash.Of(unit.Old, 61);
        if (TWidth.Contexts == 7)
        {
            h[3] = Hash.Of(_predictor.Agreeing | (_predictor.Valid << 5) | scores | (kind << 16), 62);
            h[4] = Hash.Of(change, Hash.Of(best | (kind << 3) | ((_unitHistory & 3) << 6), 66));
            h[5] = Hash.Of(_unitHistory & 0xFF, 65 + best);
            h[6] = Hash.Of((_predictor.BestScore - 1) | (best << 8) | (kind << 11), 64);
        }
        return _hits.Code(((_predictor.Agreeing | (kind << 5)) << 3) | best, hit);
    }

    private uint CodeBytes(int at, in Unit unit, uint value)
    {
        var places = CodePlaces(at, unit, (value ^ unit.Old) & unit.Mask);
        for (var i = 0; i < unit.Length; i++)
        {
            var old = (byte)(unit.Old >> (8 * i));
            var difference = (byte)((byte)(value >> (8 * i)) - old);
            if ((places & (1 << i)) != 0)
            {
                difference = CodeDifference(at + i, i, unit, (uint)places, difference);
                (_olderDifference, _lastDifference) = (_lastDifference, difference);
            }
            else
                difference = 0;
            value = (value & ~(255u << (8 * i))) | ((uint)(byte)(old + difference) << (8 * i));
            _piece.New[at + i] = (byte)(old + difference);
        }
        _lastPlaces = (uint)places;
        return value & unit.Mask;
    }

    private int CodePlaces(int at, in Unit unit, uint difference)
    {
        var (kind, length, w) = (unit.Kind, (uint)unit.Length, unit.Old);
        var expected = NonZeroBytes((_predictor.BestValue ^ w) & unit.Mask);
        var shape = kind | (length << 2);
        var h = _places.Contexts;
        h[0] = Hash.Of(_lastDifference | (_lastPlaces << 8) | (shape << 16), 70);
        h[1] = Hash.Of(expected | (_lastPlaces << 4) | (shape << 8) | ((_unitHistory & 7) << 16), 71);
        h[2] = Hash.Of((w & 0xFFFF) | ((uint)_piece.Old[at - 1] << 16), 72 + length);
        if (TWidth.Contexts == 7)
        {
            h[3] = Hash.Of(w & unit.Mask, shape);
            h[4] = Hash.Of(_predictor.BestValue - w, shape);
            h[5] = Hash.Of(w >> 8, 80 + shape);
            h[6] = Hash.Of((w & 0xFF) | ((uint)*(ushort*)(_piece.New + at - 2) << 8) | (length << 24), 73);
        }
        return _places.CodeChanged(kind | ((length - 1) << 2) | (expected != 0 ? 16u : 0), unit.Length, (int)NonZeroBytes(difference));
    }

    private static uint NonZeroBytes(uint word)
    {
        uint mask = 0;
        for (var i = 0; i < 4; i++, word >>= 8)
            mask |= (word & 0xFF) != 0 ? 1u << i : 0;
        return mask;
    }

    private byte CodeDifference(int at, int place, in Unit unit, uint places, byte difference)
    {
        uint old = _piece.Old[at], before = _piece.Old[at - 1], next = _piece.Old[at + 1];
        uint last = _piece.New[at - 1], older = _piece.New[at - 2];
        var (k, predicted) = ((uint)place, (byte)((_predictor.BestValue - unit.Old) >> (8 * place)));
        var state = k | ((uint)unit.Length << 2) | (unit.Kind << 5);
        var more = places >> place > 1 ? 1u : 0;
        var h = _values.Contexts;
        h[0] = Hash.Of(_lastDifference | (_olderDifference << 8) | (state << 16), 90);
        h[1] = Hash.Of(old | (next << 8) | (state << 16) | (places << 24), 99);
        h[2] = Hash.Of(predicted | (_lastDifference << 8) | (state << 16) | (more << 24), 98);
        if (TWidth.Contexts == 7)
        {
            h[3] = Hash.Of(old | (before << 8) | (last << 16), 95);
            h[4] = Hash.Of(last | (older << 8) | (old << 16), 97);
            h[5] = Hash.Of(old | (_lastDifference << 8) | (state << 16), 96);
            h[6] = Hash.Of(unit.Old, 91 + k);
        }
        return (byte)_values.CodeByte((unit.Kind << 2) | (k > 0 ? 2u : 0) | more, difference);
    }

    // A unit and those of its contexts that follow from old bytes alone.
    private struct ChosenUnit
    {
        public Unit Unit;
        public uint Word;
        public uint Low;
        public uint Lower;
        public uint Upper;
    }
}
