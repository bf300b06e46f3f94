using System.Buffers.Binary;
using System.Security.Cryptography;
using ContentTree.Store;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Endpoints;

/// <summary>A received LZ4 frame, kept in a file without a name until its content has been checked.</summary>
internal sealed class UploadedObject : IDisposable
{
    private const int BufferBytes = 256 * 1024;
    private const uint FrameMagic = 0x184D2204;
    private const int FlagsAt = 4;
    private const int ContentSizeFlag = 0x08;
    private const int ContentSizeAt = 6;

    private readonly ObjectName _name;
    private readonly FileStream _spool;
    private readonly byte[] _frame = GC.AllocateUninitializedArray<byte>(BufferBytes);

    private UploadedObject(ObjectName name, FileStream spool)
    {
        _name = name;
        _spool = spool;
    }

    /// <summary>Takes the body in at the sender's speed, holding no lock meanwhile.</summary>
    public static async Task<UploadedObject> ReceiveAsync(ObjectName name, Stream body, string folder, CancellationToken cancellation)
    {
        var path = Path.Combine(folder, $"upload-{Guid.NewGuid():N}");
        var spool = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous,
            BufferSize = BufferBytes,
        });
        // Nameless from here: a killed server leaves nothing to tidy up.
        File.Delete(path);
        try
        {
            await body.CopyToAsync(spool, cancellation);
            await spool.FlushAsync(cancellation);
            return new UploadedObject(name, spool);
        }
        catch
        {
            await spool.DisposeAsync();
            throw;
        }
    }

    /// <summary>Copies the frame while decoding it: memory is bounded by the buffers, whatever the frame claims.</summary>
    /// <exception cref="CorruptObjectException">Not one LZ4 frame with this content.</exception>
    public void WriteTo(SafeFileHandle target)
    {
        using var decoder = new Lz4Decoder();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var content = GC.AllocateUninitializedArray<byte>(BufferBytes);
        var announced = -1L;
        var size = 0L;
        var ended = false;
        _spool.Position = 0;
        for (int count; (count = _spool.ReadAtLeast(_frame, _frame.Length, throwOnEndOfStream: false)) > 0;)
        {
            var rest = _frame.AsSpan(0, count);
            if (announced < 0)
                announced = ReadAnnouncedSize(rest);
            while (rest.Length > 0)
            {
                if (ended)
                    throw Refused("bytes after the lz4 frame");
                (var consumed, var written, ended) = Decode(decoder, rest, content);
                rest = rest[consumed..];
                size += written;
                if (size > announced)
                    throw Refused("holds more than the content size in its frame");
                hash.AppendData(content, 0, written);
            }
            Posix.Write(target, _frame.AsSpan(0, count), _name.ToString());
        }
        if (!ended || size != announced || new ObjectId(hash.GetHashAndReset()) != _name.Id)
            throw Refused(ended ? "its content has another hash" : "the lz4 frame ends too early");
        RequireCanonical(target, size);
    }

    public void Dispose() => _spool.Dispose();

    // A tree or commit that no reader accepts must not enter, even though its hash is right.
    private void RequireCanonical(SafeFileHandle written, long size)
    {
        if (_name.Kind == ObjectKind.File)
            return;
        var limit = _name.Kind == ObjectKind.Tree ? Tree.MaxEncodedBytes : Repository.MaxCommitBytes;
        if (size > limit)
            throw Refused($"larger than {limit} bytes");
        var frame = new byte[Posix.Stat(written, _name.ToString()).Size];
        Posix.Rewind(written, _name.ToString());
        Posix.ReadFull(written, frame, _name.ToString());
        using var decoder = new Lz4Decoder();
        try
        {
            var content = decoder.DecodeFrame(frame, limit);
            if (_name.Kind == ObjectKind.Tree)
                Tree.Decode(content);
            else
                Commit.Decode(content);
        }
        catch (FormatException e)
        {
            throw Refused(e.Message);
        }
    }

    private (int Consumed, int Written, bool Ended) Decode(Lz4Decoder decoder, ReadOnlySpan<byte> frame, Span<byte> content)
    {
        try
        {
            return decoder.Decode(frame, content);
        }
        catch (FormatException e)
        {
            throw Refused(e.Message);
        }
    }

    private long ReadAnnouncedSize(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < ContentSizeAt || BinaryPrimitives.ReadUInt32LittleEndian(frame) != FrameMagic)
            throw Refused("not an lz4 frame");
        // lz4 writes no size for an empty content, so a frame without one can hold nothing else.
        if ((frame[FlagsAt] & ContentSizeFlag) == 0)
            return 0;
        var size = frame.Length >= ContentSizeAt + sizeof(long) ? BinaryPrimitives.ReadInt64LittleEndian(frame[ContentSizeAt..]) : -1;
        return size >= 0 ? size : throw Refused("its frame has no sensible content size");
    }

    private CorruptObjectException Refused(string reason) => new(_name, reason);
}
