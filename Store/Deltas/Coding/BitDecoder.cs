using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>Reads what <see cref="BitEncoder"/> wrote. Behind the end it reads zeros, but only as many as an encoder leaves away.</summary>
internal struct BitDecoder : IBitCoder
{
    private const int BufferSize = 16 * 1024;
    private readonly Stream _input;
    private readonly byte[] _buffer;
    private int _at;
    private int _filled;
    private int _missing;
    private ulong _code;
    private ulong _range;

    public BitDecoder(Stream input)
    {
        _input = input;
        _buffer = new byte[BufferSize];
        _range = ulong.MaxValue;
        _code = (ulong)ReadWord() << 32;
        _code |= ReadWord();
    }

    public static bool Decodes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Code(int bit, int probability)
    {
        var bound = (_range >> 16) * (uint)probability;
        // Without a jump: the bit is hard to predict for the processor too.
        var one = _code < bound ? 1UL : 0UL;
        var mask = one - 1;
        _code -= bound & mask;
        _range = bound + ((_range - bound - bound) & mask);
        if (_range >> 32 == 0)
            Normalise();
        return (int)one;
    }

    public int CodeEven(int value)
    {
        var step = _range >> 8;
        var read = Math.Min(_code / step, 255);
        _code -= step * read;
        _range = step;
        if (_range >> 32 == 0)
            Normalise();
        return (int)read;
    }

    public unsafe int CodeSymbol(int value, ushort* cumulative)
    {
        var step = _range >> 15;
        var point = Vector128.Create((short)Math.Min(_code / step, (1 << 15) - 1));
        var above = Vector128.Narrow(
            Vector128.GreaterThan(Vector128.LoadAligned((short*)cumulative), point),
            Vector128.GreaterThan(Vector128.LoadAligned((short*)cumulative + 8), point));
        // The one before the first that begins above the point.
        var symbol = BitOperations.TrailingZeroCount(above.ExtractMostSignificantBits() | (1u << 16)) - 1;
        _code -= step * cumulative[symbol];
        _range = step * (uint)(cumulative[symbol + 1] - cumulative[symbol]);
        if (_range >> 32 == 0)
            Normalise();
        return symbol;
    }

    /// <summary>An encoder's stream ends exactly where its last decision was read.</summary>
    public void CheckEnd()
    {
        if (_at < _filled || Fill())
            throw new CorruptDeltaException("coded bytes behind the end");
    }

    private void Normalise()
    {
        _code = (_code << 32) | ReadWord();
        _range <<= 32;
    }

    private uint ReadWord()
    {
        if (_filled - _at < 4)
            return ReadLastWord();
        var word = BinaryPrimitives.ReadUInt32BigEndian(_buffer.AsSpan(_at));
        _at += 4;
        return word;
    }

    private uint ReadLastWord()
    {
        uint word = 0;
        for (var i = 0; i < 4; i++)
            word = (word << 8) | ReadByte();
        return word;
    }

    private uint ReadByte()
    {
        if (_at < _filled || Fill())
            return _buffer[_at++];
        if (++_missing > BitEncoder.SpareBytes)
            throw new CorruptDeltaException("coded bytes end too early");
        return 0;
    }

    private bool Fill()
    {
        _at = 0;
        _filled = _input.Read(_buffer, 0, BufferSize);
        return _filled > 0;
    }
}
