using System.Security.Cryptography;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Trees;

/// <summary>
/// Turns one source file into a file object, with buffers of fixed size. Small files are read once; large ones are read
/// for their hash first, and a second time only when the object is new. For one thread.
/// </summary>
public sealed class FileIngest(ObjectWriter writer) : IDisposable
{
    private const int BufferBytes = 1024 * 1024;
    private const int Attempts = 3;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferBytes);
    private readonly Lz4Encoder _encoder = new();
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>For trees: one that is there already.</summary>
    public Lz4Encoder Encoder => _encoder;

    /// <summary>Reads the file, stores its object and says what was read.</summary>
    /// <exception cref="SourceChangedException">The file kept changing while it was read.</exception>
    internal (ObjectId Id, FileStat Stat, ushort Machine) Ingest(SafeFileHandle file, string path)
    {
        for (var attempt = 1; ; attempt++)
        {
            var before = Posix.Stat(file, path);
            if (before.Type != FileType.Regular)
                throw new SourceChangedException(path);
            if (attempt > 1)
                Posix.Rewind(file, path);
            var (id, machine, length) = before.Size <= BufferBytes ? IngestSmall(file, before.Size, path) : IngestLarge(file, before.Size, path);
            if (id is { } stored && length == before.Size && Posix.Stat(file, path).IsUnchangedSince(before))
                return (stored, before, machine);
            if (attempt == Attempts)
                throw new SourceChangedException(path);
        }
    }

    /// <summary>Stores what a stream holds; more than fits into memory waits in a nameless file of the repository's.</summary>
    /// <exception cref="UnsupportedSourceException">The stream ends before <paramref name="size"/> bytes.</exception>
    public (ObjectId Id, ushort Machine) Ingest(Stream content, long size, string path)
    {
        using var scratch = size <= BufferBytes ? null : writer.CreateScratch();
        var output = scratch is null ? null : new SparseOutput(scratch, path);
        for (long left = size; ;)
        {
            var piece = _buffer.AsSpan(0, (int)Math.Min(left, BufferBytes));
            if (content.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false) < piece.Length)
                throw new UnsupportedSourceException(path, $"ends before its {size} bytes");
            left -= piece.Length;
            if (scratch is null || output is null)
                return Ingest(piece);
            output.Write(piece);
            if (left > 0)
                continue;
            output.Finish();
            Posix.Rewind(scratch, path);
            var (id, machine, _) = IngestLarge(scratch, size, path);
            return (id ?? throw new SourceChangedException(path), machine);
        }
    }

    private (ObjectId Id, ushort Machine) Ingest(ReadOnlySpan<byte> content)
    {
        var id = ObjectId.Of(content);
        writer.Write(new ObjectName(ObjectKind.File, id), content, _encoder);
        return (id, ElfMachine.Detect(content));
    }

    public void Dispose()
    {
        _encoder.Dispose();
        _hash.Dispose();
    }

    private (ObjectId?, ushort, long) IngestSmall(SafeFileHandle file, long size, string path)
    {
        var content = _buffer.AsSpan(0, Posix.ReadFull(file, _buffer.AsSpan(0, (int)size), path));
        if (content.Length != size)
            return (null, 0, content.Length);
        var (id, machine) = Ingest(content);
        return (id, machine, size);
    }

    private (ObjectId?, ushort, long) IngestLarge(SafeFileHandle file, long size, string path)
    {
        ushort machine = 0;
        long length = 0;
        for (int count; (count = Posix.ReadFull(file, _buffer, path)) > 0; length += count)
        {
            if (length == 0)
                machine = ElfMachine.Detect(_buffer.AsSpan(0, count));
            _hash.AppendData(_buffer, 0, count);
        }
        var id = new ObjectId(_hash.GetHashAndReset());
        if (length != size)
            return (null, machine, length);
        Posix.Rewind(file, path);
        try
        {
            writer.Write(new ObjectName(ObjectKind.File, id), target => Compress(file, size, id, target, path));
        }
        catch (SourceChangedException)
        {
            return (null, machine, length);
        }
        return (id, machine, length);
    }

    private void Compress(SafeFileHandle source, long size, ObjectId id, SafeFileHandle target, string path)
    {
        Posix.Write(target, _encoder.Begin(size), path);
        var left = size;
        for (int count; left > 0 && (count = Posix.ReadFull(source, _buffer.AsSpan(0, (int)Math.Min(left, BufferBytes)), path)) > 0; left -= count)
        {
            _hash.AppendData(_buffer, 0, count);
            Posix.Write(target, _encoder.Update(_buffer.AsSpan(0, count)), path);
        }
        if (new ObjectId(_hash.GetHashAndReset()) != id)
            throw new SourceChangedException(path);
        Posix.Write(target, _encoder.End(), path);
    }
}
