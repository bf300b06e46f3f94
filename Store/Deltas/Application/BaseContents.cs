using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas.Coding;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Local;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Deltas.Application;

/// <summary>Opens the old bytes that items are coded against: the store's own files, read piece by piece, never mapped.</summary>
internal sealed class BaseContents(LocalStore store, StorePull pull)
{
    private const int PieceBytes = 32 * 1024;

    /// <exception cref="CorruptDeltaException">The delta uses more of the file than there is.</exception>
    public OpenBase Open(PartBase? old)
    {
        if (old is null)
            return new OpenBase(new MemoryBase(ReadOnlyMemory<byte>.Empty), null);
        if (old.File.Size == 0)
            throw new CorruptDeltaException("a content is coded against an empty file");
        var file = OpenFile(old);
        try
        {
            return new OpenBase(Range(file, old), file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private SafeFileHandle OpenFile(PartBase old)
    {
        var file = store.OpenFile(new StoredFile(old.File.Id, old.File.Metadata.Digest()));
        if (old.Unpack is not { } repacking)
            return file;
        using var packed = new FileStream(file, FileAccess.Read, bufferSize: 0);
        using var unpacked = repacking.Unpack(packed, PlanFormat.MaxUnpackedBytes);
        var scratch = pull.CreateScratch();
        unpacked.CopyTo(scratch, PieceBytes);
        return scratch.SafeFileHandle;
    }

    private static FileBase Range(SafeFileHandle file, PartBase old)
    {
        var size = RandomAccess.GetLength(file);
        var length = old.Length ?? size - old.Start;
        return old.Start <= size && length >= 0 && length <= size - old.Start
            ? new FileBase(file, old.Start, length)
            : throw new CorruptDeltaException("a content is coded against more than its base has");
    }
}
