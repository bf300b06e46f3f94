using System.Buffers.Binary;
using System.Security.Cryptography;
using ContentTree.Store.Codecs;

namespace ContentTree.Store.Packs;

/// <summary>
/// Decodes a pack while it arrives, in the memory of one frame and the window. Every byte is hostile: what does not follow the format
/// ends it, and what the objects hold is for the target to prove.
/// </summary>
public sealed unsafe class PackReader : IDisposable
{
    private readonly int _count;
    private readonly IPackTarget _target;
    private readonly ZstdDecoder _decoder = new(PackFormat.WindowLog);
    private readonly byte[] _frame = new byte[PackFormat.HeaderBytes + PackFormat.MaxStoredBytes];
    private readonly byte[] _content = new byte[PackFormat.MaxContentBytes];
    private int _filled;
    private int _magic;
    private uint _number;
    private int _index;
    private ulong _length;
    private int _lengthShift;
    private ulong _remaining;

    /// <param name="count">Objects that were asked for.</param>
    /// <param name="target">What takes them.</param>
    public PackReader(int count, IPackTarget target)
    {
        (_count, _target) = (count, target);
        _decoder.Begin(null, 0);
    }

    /// <summary>The last frame was here: the pack is whole.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Takes the next bytes as they came from the network.</summary>
    /// <exception cref="CorruptPackException">They are no pack of the objects asked for.</exception>
    public void Feed(ReadOnlySpan<byte> bytes)
    {
        while (_magic < PackFormat.MagicBytes && !bytes.IsEmpty)
        {
            Require(bytes[0] == PackFormat.Magic[_magic++], "begins with other bytes");
            bytes = bytes[1..];
        }
        while (!bytes.IsEmpty)
        {
            Require(!HasEnded, "goes on after its end");
            bytes = bytes[Collect(bytes)..];
        }
    }

    public void Dispose() => _decoder.Dispose();

    // Gathers one frame and takes it when it is whole.
    private int Collect(ReadOnlySpan<byte> bytes)
    {
        var wanted = _filled < PackFormat.HeaderBytes ? PackFormat.HeaderBytes : PackFormat.HeaderBytes + StoredLength;
        var count = Math.Min(bytes.Length, wanted - _filled);
        bytes[..count].CopyTo(_frame.AsSpan(_filled));
        _filled += count;
        if (_filled == PackFormat.HeaderBytes)
            CheckHeader();
        if (_filled >= PackFormat.HeaderBytes && _filled == PackFormat.HeaderBytes + StoredLength)
        {
            TakeFrame();
            _filled = 0;
        }
        return count;
    }

    private uint Number => BinaryPrimitives.ReadUInt32LittleEndian(_frame.AsSpan(PackFormat.ChecksumBytes));

    private int StoredLength => BinaryPrimitives.ReadInt32LittleEndian(_frame.AsSpan(PackFormat.ChecksumBytes + 4));

    private int ContentLength => BinaryPrimitives.ReadInt32LittleEndian(_frame.AsSpan(PackFormat.ChecksumBytes + 8));

    private void CheckHeader()
    {
        Require(Number == _number, $"frame {Number} in place of frame {_number}");
        Require(StoredLength is >= 0 and <= PackFormat.MaxStoredBytes && ContentLength is >= 0 and <= PackFormat.MaxContentBytes,
            $"frame {_number} tells impossible lengths");
        Require(StoredLength == 0 == (ContentLength == 0), $"frame {_number} is half empty");
    }

    private void TakeFrame()
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(_frame.AsSpan(PackFormat.ChecksumBytes.._filled), hash);
        Require(hash[..PackFormat.ChecksumBytes].SequenceEqual(_frame.AsSpan(0, PackFormat.ChecksumBytes)), $"frame {_number} is damaged");
        if (ContentLength == 0)
            End();
        else
            Take(DecodeFrame());
        _number++;
    }

    private void End()
    {
        Require(_index == _count && _remaining == 0 && _lengthShift == 0, "ends before the last object");
        HasEnded = true;
    }

    private ReadOnlySpan<byte> DecodeFrame()
    {
        var stored = _frame.AsSpan(PackFormat.HeaderBytes, StoredLength);
        var content = _content.AsSpan(0, ContentLength);
        try
        {
            for (var target = content; ;)
            {
                var (consumed, written, ended) = _decoder.Decode(stored, target);
                Require(!ended, $"frame {_number} closes the stream");
                stored = stored[consumed..];
                target = target[written..];
                if (consumed == 0 && written == 0)
                {
                    Require(stored.IsEmpty && target.IsEmpty && IsDrained(), $"frame {_number} holds another length than it tells");
                    return content;
                }
            }
        }
        catch (FormatException e)
        {
            throw new CorruptPackException($"frame {_number}: {e.Message}");
        }
    }

    private bool IsDrained()
    {
        Span<byte> beyond = stackalloc byte[1];
        return _decoder.Decode([], beyond).Written == 0;
    }

    private void Take(ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            if (_remaining > 0)
                content = content[TakeContent(content)..];
            else
            {
                TakeLengthByte(content[0]);
                content = content[1..];
            }
        }
    }

    private int TakeContent(ReadOnlySpan<byte> content)
    {
        var count = (int)Math.Min(_remaining, (ulong)content.Length);
        _target.Write(content[..count]);
        _remaining -= (ulong)count;
        if (_remaining == 0)
            _target.Complete(_index++);
        return count;
    }

    private void TakeLengthByte(byte next)
    {
        Require(_index < _count, "holds more objects than were asked for");
        // The last of ten bytes has one bit; a last byte of zero would be a second spelling.
        Require(_lengthShift < 63 || next <= 1, "tells an impossible length");
        Require(_lengthShift == 0 || next != 0, "tells a length in a second spelling");
        _length |= (ulong)(next & 0x7f) << _lengthShift;
        _lengthShift += 7;
        if (next >= 0x80)
            return;
        var length = _length;
        (_length, _lengthShift) = (0, 0);
        Begin(length);
    }

    private void Begin(ulong length)
    {
        if (length == 0)
        {
            _target.Missing(_index++);
            return;
        }
        Require(length - 1 <= long.MaxValue, "tells an impossible length");
        _target.Begin(_index, (long)(length - 1));
        _remaining = length - 1;
        if (_remaining == 0)
            _target.Complete(_index++);
    }

    private static void Require(bool holds, string reason)
    {
        if (!holds)
            throw new CorruptPackException(reason);
    }
}
