using System.Buffers.Binary;
using ContentTree.Store;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Publishing.Sources.Images;

/// <summary>Reads the names in a directory, one block after the other: the index of a large one looks like entries without an inode.</summary>
internal static class ExtDirectory
{
    private const int HeaderBytes = 8;
    private const int ParentBytes = 4;
    private const int LargeBlock = 65536;

    /// <exception cref="FormatException">It is no directory.</exception>
    public static List<(EntryName Name, uint Inode)> Read(ExtImage image, ExtInode inode)
    {
        var found = new List<(EntryName, uint)>();
        if (inode.IsInline)
        {
            Read(inode.Pointers.Span[ParentBytes..], found);
            Read(new ExtXattrs(image).ReadInline(inode), found);
            return found;
        }
        var block = new byte[image.BlockSize];
        if (inode.Size % (ulong)block.Length != 0)
            throw new FormatException("is a directory of half a block");
        var (blocks, read) = (inode.Size / (ulong)block.Length, 0UL);
        foreach (var run in ExtRuns.Of(image, inode))
        {
            image.Spend(run.Count);
            for (long i = 0; i < run.Count && (ulong)(run.Logical + i) < blocks; i++, read++)
            {
                image.Read(block, run, i * block.Length);
                Read(block, found);
            }
        }
        // A hole would hide names.
        return read == blocks ? found : throw new FormatException("is a directory with a hole");
    }

    private static void Read(ReadOnlySpan<byte> entries, List<(EntryName, uint)> found)
    {
        while (entries.Length > 0)
        {
            var length = entries.Length < HeaderBytes ? 0 : Length(BinaryPrimitives.ReadUInt16LittleEndian(entries[4..]));
            if (length < HeaderBytes || length > entries.Length || length < HeaderBytes + entries[6])
                throw new FormatException("is a damaged directory");
            var inode = BinaryPrimitives.ReadUInt32LittleEndian(entries);
            var name = entries.Slice(HeaderBytes, entries[6]);
            if (inode != 0 && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                found.Add((EntryName.TryCreate(name, out var valid) ? valid : throw new FormatException($"holds '{Posix.Display(name)}', which is no file name"), inode));
            entries = entries[length..];
        }
    }

    // Sixteen bits do not hold the length of the largest block.
    private static int Length(ushort stored) => stored is 0xffff or 0 ? LargeBlock : (stored & 0xfffc) | ((stored & 3) << 16);
}
