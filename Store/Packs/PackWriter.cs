using System.Buffers.Binary;
using System.Security.Cryptography;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Store.Packs;

/// <summary>
/// Answers a <see cref="PackRequest"/> from a repository, frame by frame, in bounded memory. What it reads is not proved: the device
/// hashes it anyway.
/// </summary>
/// <param name="isAtHand">Asked before an object is opened, where some take their time to come; null where all are here.</param>
public sealed class PackWriter(Repository repository, PackRequest request, Func<ObjectName, bool>? isAtHand = null) : IDisposable
{
    // More of it costs twice the time and wins a few thousandths.
    private const int Level = 8;

    private readonly StoredReader _object = new(repository);
    private readonly ZstdFlushEncoder _encoder = new(Level, PackFormat.WindowLog);
    private readonly byte[] _content = new byte[PackFormat.MaxContentBytes];
    private readonly byte[] _frame = new byte[PackFormat.MagicBytes + PackFormat.HeaderBytes + PackFormat.MaxStoredBytes];
    private int _filled;
    private int _next;
    private int _awaited;
    private uint _number;
    private bool _ended;

    /// <summary>Objects that were begun.</summary>
    public int Begun => Volatile.Read(ref _next);

    /// <summary>The next frame, valid until the next call; empty after the last one.</summary>
    /// <param name="awaited">Instead of a frame, the object that has to come first. Whoever has seen to that, as well as it can be done, calls again.</param>
    /// <exception cref="CorruptObjectException">An object turned out to be damaged in its middle: the stream cannot go on.</exception>
    public ReadOnlyMemory<byte> Next(out ObjectName? awaited)
    {
        awaited = null;
        if (_ended)
            return default;
        if (!TryFill())
        {
            _awaited = _next + 1;
            awaited = request.Objects[_next];
            return default;
        }
        var start = _number == 0 ? PackFormat.MagicBytes : 0;
        PackFormat.Magic[..start].CopyTo(_frame);
        var length = start + WriteFrame(_frame.AsSpan(start), _filled);
        _filled = 0;
        return _frame.AsMemory(0, length);
    }

    public void Dispose()
    {
        _object.Dispose();
        _encoder.Dispose();
    }

    private int WriteFrame(Span<byte> frame, int content)
    {
        var stored = content == 0 ? 0 : _encoder.Encode(_content.AsSpan(0, content), frame[PackFormat.HeaderBytes..]);
        var proved = frame[PackFormat.ChecksumBytes..(PackFormat.HeaderBytes + stored)];
        BinaryPrimitives.WriteUInt32LittleEndian(proved, _number++);
        BinaryPrimitives.WriteInt32LittleEndian(proved[4..], stored);
        BinaryPrimitives.WriteInt32LittleEndian(proved[8..], content);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(proved, hash);
        hash[..PackFormat.ChecksumBytes].CopyTo(frame);
        _ended = content == 0;
        return PackFormat.HeaderBytes + stored;
    }

    // What the frames hold together: every object's length and bytes, one after the other.
    private bool TryFill()
    {
        while (_filled < _content.Length)
        {
            if (_object.Remaining > 0)
                _filled += _object.Read(_content.AsSpan(_filled));
            else if (_next == request.Objects.Count || _content.Length - _filled < PackFormat.MaxVarintBytes)
                break;
            // Once is enough: what did not come is missing.
            else if (_next >= _awaited && isAtHand?.Invoke(request.Objects[_next]) == false)
                return false;
            else
                _filled += WriteVarint(_content.AsSpan(_filled), OpenNext());
        }
        return true;
    }

    // 0: missing; else one more than the bytes that follow.
    private ulong OpenNext()
    {
        var skip = _next == 0 ? request.Offset : 0;
        var name = request.Objects[_next++];
        try
        {
            _object.Open(name);
            if (skip > _object.Remaining)
                throw new CorruptObjectException(name, "is shorter than what the device has of it");
            _object.Skip(skip);
            return (ulong)_object.Remaining + 1;
        }
        catch (Exception e) when (e is ObjectNotFoundException or CorruptObjectException)
        {
            _object.Close();
            return 0;
        }
    }

    private static int WriteVarint(Span<byte> target, ulong value)
    {
        var length = 0;
        for (; value >= 0x80; value >>= 7)
            target[length++] = (byte)(value | 0x80);
        target[length++] = (byte)value;
        return length;
    }
}
