using System.Buffers.Binary;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>Range coder with a 64-bit interval; 32 bits leave at a time and a late carry runs back through the output.</summary>
internal struct BitEncoder : IBitCoder
{
    /// <summary>Zero bytes that the end may leave away: a decoder reads zeros there.</summary>
    public const int SpareBytes = 8;

    private byte[] _output;
    private int _length;
    private ulong _low;
    private ulong _range;

    public static bool Decodes => false;

    public static BitEncoder Create() => new() { _output = new byte[4096], _range = ulong.MaxValue };

    public int Code(int bit, int probability)
    {
        var bound = (_range >> 16) * (uint)probability;
        if (bit != 0)
            _range = bound;
        else
            Advance(bound, _range - bound);
        Normalise();
        return bit;
    }

    public int CodeEven(int value)
    {
        var step = _range >> 8;
        Advance(step * (uint)value, step);
        Normalise();
        return value;
    }

    public unsafe int CodeSymbol(int value, ushort* cumulative)
    {
        var step = _range >> 15;
        Advance(step * cumulative[value], step * (uint)(cumulative[value + 1] - cumulative[value]));
        Normalise();
        return value;
    }

    /// <summary>Ends the stream with as few bytes as name a point in the interval.</summary>
    public ReadOnlyMemory<byte> Finish()
    {
        // The point with the most zero bytes at its end that still lies in the interval.
        for (var zeros = 56; zeros >= 0; zeros -= 8)
        {
            var mask = (1UL << zeros) - 1;
            var up = (0 - _low) & mask;
            if (up >= _range)
                continue;
            Advance(up, 1);
            break;
        }
        Write((uint)(_low >> 32));
        Write((uint)_low);
        var spare = 0;
        while (spare < SpareBytes && _length > 0 && _output[_length - 1] == 0)
        {
            _length--;
            spare++;
        }
        return _output.AsMemory(0, _length);
    }

    private void Advance(ulong by, ulong range)
    {
        _low += by;
        if (_low < by)
            Carry();
        _range = range;
    }

    private void Carry()
    {
        var at = _length;
        while (++_output[--at] == 0)
        {
        }
    }

    private void Normalise()
    {
        if (_range >> 32 != 0)
            return;
        Write((uint)(_low >> 32));
        _low <<= 32;
        _range <<= 32;
    }

    private void Write(uint word)
    {
        if (_length + 4 > _output.Length)
            Array.Resize(ref _output, _output.Length * 2);
        BinaryPrimitives.WriteUInt32BigEndian(_output.AsSpan(_length), word);
        _length += 4;
    }
}
