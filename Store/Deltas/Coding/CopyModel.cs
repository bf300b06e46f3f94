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
    private readonly RowModel<TCoder, TWidth> _places;
    private readonly RowModel<TCoder, TWidth> _values;
    private readonly ValuePredictor _predictor;
    private readonly byte* _relative;
    private readonly Unit[] _chosen = new Unit[BlockSize];
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
        _places = new(decisions, memory, 12 - TWidth.Shrink, 32);
        _values = new(decisions, memory, 12 - TWidth.Shrink, 16);
        _predictor = new(memory, TWidth.Shrink);
        _relative = memory.Take<byte>(1 << 16);
        Relative.FillTable(_relative);
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
        h[3] = Hash.Of(_blockHistory & 0xFFFF, 4);
        h[4] = Hash.Of((_blockHistory & 3) | (near << 8), 3);
        h[5] = Hash.Of(next, Hash.Of(_blockHistory & 1, 6));
        h[6] = Hash.Of(_blockHistory & 15, _code ? 8u : 7u);
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
            var unit = _chosen[i];
            _predictor.Guess(_piece, at, unit);
            var value = TCoder.Decodes ? unit.Old & unit.Mask : NewValue(at, unit);
            var changed = CodeUnit(at, unit, ref value);
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
            var unit = NextUnit(at);
            _chosen[count++] = unit;
            _predictor.Expect(_piece, at, unit);
            for (var context = 1; context <= 4; context++)
                _units.Expect(context, UnitHash(context, at, unit));
            at += unit.Length;
        }
        return count;
    }

    private uint UnitHash(int context, int at, in Unit unit)
    {
        var (w, kind, length, before) = (unit.Old, unit.Kind, (uint)unit.Length, (uint)_piece.Old[at - 1]);
        return context switch
        {
            1 => Hash.Of(w & unit.Mask, 16 + kind),
            2 => Hash.Of((w & 0xFF) | (before << 8) | ((uint)_piece.Old[at - 2] << 16) | (length << 24), 32),
            3 => Hash.Of(before | ((w & 0xFFFF) << 8) | (length << 24) | (kind << 28), 49),
            _ => Hash.Of(w >> 8, 50 + kind),
        };
    }

    private Unit NextUnit(int at)
    {
        var left = _piece.Length - at;
        var old = _piece.OldWord(at);
        if (_code && left >= 4 && IsRelative(at))
            return new Unit(4, true, old);
        var length = Math.Min(left, 4 - (int)((_piece.NewPosition + at) & 3));
        for (var i = 1; _code && i < length; i++)
            if (left - i >= 4 && IsRelative(at + i))
                return new Unit(i, false, old);
        return new Unit(length, false, old);
    }

    private bool IsRelative(int at) => _relative[*(ushort*)(_piece.Old + at - 2)] != 0;

    private uint NewValue(int at, in Unit unit) => _piece.NewWord(at) & unit.Mask;

    private void Put(int at, int length, uint value)
    {
        for (var i = 0; i < length; i++, value >>= 8)
            _piece.New[at + i] = (byte)value;
    }

    private bool CodeUnit(int at, in Unit unit, ref uint value)
    {
        var old = unit.Old & unit.Mask;
        var changed = CodeChanged(at, unit, value != old);
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

    private bool CodeChanged(int at, in Unit unit, bool changed)
    {
        var (kind, history) = (unit.Kind, _unitHistory);
        var scores = _predictor.Success(0) << 10 | _predictor.Success(1) << 12 | _predictor.Success(2) << 14;
        var quiet = (uint)Math.Min(31, _piece.Copied + at - _lastChange);
        var h = _units.Contexts;
        h[0] = Hash.Of(_predictor.Moving | (_predictor.Valid << 5) | scores | (kind << 16), 48 + (history & 3));
        h[1] = UnitHash(1, at, unit);
        h[2] = _units.Near(UnitHash(2, at, unit), history & 1);
        h[3] = _units.Near(UnitHash(3, at, unit), history & 15);
        h[4] = _units.Near(UnitHash(4, at, unit), (history & 1) | ((history >> 4) & 2));
        h[5] = Hash.Of(quiet | (_lastDifference << 8) | (_predictor.Moving << 16) | (kind << 24) | ((_blockHistory & 6) << 26), 51);
        h[6] = Hash.Of(history & 0xFFF, kind);
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
        h[3] = Hash.Of(_predictor.Agreeing | (_predictor.Valid << 5) | scores | (kind << 16), 62);
        h[4] = Hash.Of(change, Hash.Of(best | (kind << 3) | ((_unitHistory & 3) << 6), 66));
        h[5] = Hash.Of(_unitHistory & 0xFF, 65 + best);
        h[6] = Hash.Of((_predictor.BestScore - 1) | (best << 8) | (kind << 11), 64);
        return _hits.Code(((_predictor.Agreeing | (kind << 5)) << 3) | best, hit);
    }

    private uint CodeBytes(int at, in Unit unit, uint value)
    {
        var places = CodePlaces(at, unit, value ^ unit.Old);
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
        h[1] = Hash.Of(w & unit.Mask, shape);
        h[2] = Hash.Of(expected | (_lastPlaces << 4) | (shape << 8) | ((_unitHistory & 7) << 16), 71);
        h[3] = Hash.Of((w & 0xFFFF) | ((uint)_piece.Old[at - 1] << 16), 72 + length);
        h[4] = Hash.Of(_predictor.BestValue - w, shape);
        h[5] = Hash.Of(w >> 8, 80 + shape);
        h[6] = Hash.Of((w & 0xFF) | ((uint)*(ushort*)(_piece.New + at - 2) << 8) | (length << 24), 73);
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
        h[0] = Hash.Of(predicted | (_lastDifference << 8) | (state << 16) | (more << 24), 98);
        h[1] = Hash.Of(old | (before << 8) | (last << 16), 95);
        h[2] = Hash.Of(unit.Old, 91 + k);
        h[3] = Hash.Of(_lastDifference | (_olderDifference << 8) | (state << 16), 90);
        h[4] = Hash.Of(last | (older << 8) | (old << 16), 97);
        h[5] = Hash.Of(old | (_lastDifference << 8) | (state << 16), 96);
        h[6] = Hash.Of(old | (next << 8) | (state << 16) | (places << 24), 99);
        return (byte)_values.CodeByte((unit.Kind << 2) | (k > 0 ? 2u : 0) | more, difference);
    }
}
