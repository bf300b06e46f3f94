using System.Buffers.Binary;
using System.Text;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Publishing.Sources.Images;

/// <summary>Reads an inode's attributes, from its own end and from a block of their own.</summary>
internal sealed class ExtXattrs(ExtImage image)
{
    private const uint Magic = 0xea020000;
    private const int BlockHeader = 32;
    private const int EntryBytes = 16;
    private const int MaxXattrs = 64;
    private const byte SystemIndex = 7;

    // What stands for the beginning of the name; 2 and 3 are whole names.
    private static readonly Dictionary<byte, string> Prefixes = new()
    {
        [1] = "user.",
        [2] = "system.posix_acl_access",
        [3] = "system.posix_acl_default",
        [4] = "trusted.",
        [6] = "security.",
        [SystemIndex] = "system.",
        [8] = "system.richacl",
    };

    /// <summary>In the order of their names.</summary>
    /// <exception cref="FormatException">They cannot be read.</exception>
    public IReadOnlyList<Xattr> Read(ExtInode inode)
    {
        var xattrs = ReadAll(inode).Where(x => !x.Name.AsSpan().SequenceEqual("system.data"u8)).ToArray();
        if (xattrs.Length > MaxXattrs)
            throw new FormatException($"has more than {MaxXattrs} extended attributes");
        Array.Sort(xattrs, (a, b) => a.Name.AsSpan().SequenceCompareTo(b.Name));
        for (var i = 1; i < xattrs.Length; i++)
        {
            if (xattrs[i].Name.AsSpan().SequenceEqual(xattrs[i - 1].Name))
                throw new FormatException("has an extended attribute twice");
        }
        return xattrs;
    }

    /// <summary>The part of an inline content that did not fit in place of the pointers.</summary>
    public byte[] ReadInline(ExtInode inode) => ReadAll(inode).Find(x => x.Name.AsSpan().SequenceEqual("system.data"u8))?.Value ?? [];

    private List<Xattr> ReadAll(ExtInode inode)
    {
        var found = new List<Xattr>();
        var rest = inode.Rest;
        if (rest.Length > sizeof(uint) && BinaryPrimitives.ReadUInt32LittleEndian(rest) == Magic)
            Read(rest[sizeof(uint)..], rest[sizeof(uint)..], found);
        if (inode.AttributeBlock == 0)
            return found;
        var block = image.ReadBlock(inode.AttributeBlock);
        if (BinaryPrimitives.ReadUInt32LittleEndian(block) != Magic)
            throw new FormatException("its extended attributes are damaged");
        Read(block.AsSpan(BlockHeader), block, found);
        return found;
    }

    // Entries end with four zeros; values lie behind them.
    private void Read(ReadOnlySpan<byte> entries, ReadOnlySpan<byte> values, List<Xattr> found)
    {
        while (entries.Length >= sizeof(uint) && BinaryPrimitives.ReadUInt32LittleEndian(entries) != 0)
        {
            if (entries.Length < EntryBytes + entries[0])
                throw new FormatException("its extended attributes are damaged");
            var name = Name(entries[1], entries.Slice(EntryBytes, entries[0]));
            var size = BinaryPrimitives.ReadUInt32LittleEndian(entries[8..]);
            if (size > Metadata.MaxXattrBytes)
                throw new FormatException($"its extended attributes take more than {Metadata.MaxXattrBytes} bytes, which not every device can store");
            var value = BinaryPrimitives.ReadUInt32LittleEndian(entries[4..]) is > 0 and var inode
                ? ReadValue(inode, (int)size)
                : Slice(values, BinaryPrimitives.ReadUInt16LittleEndian(entries[2..]), (int)size).ToArray();
            found.Add(new Xattr(name, entries[1] is 2 or 3 ? ExtAccessList.Decode(value) : value));
            entries = entries[Math.Min(entries.Length, (EntryBytes + entries[0] + 3) & ~3)..];
        }
    }

    private static ReadOnlySpan<byte> Slice(ReadOnlySpan<byte> values, int at, int size) =>
        at + size <= values.Length ? values.Slice(at, size) : throw new FormatException("its extended attributes are damaged");

    private byte[] ReadValue(uint number, int size)
    {
        var inode = image.ReadInode(number);
        if (!inode.IsAttributeValue || inode.Size != (ulong)size)
            throw new FormatException("its extended attributes are damaged");
        var value = new byte[size];
        using var content = new ExtContent(image, default, ExtRuns.Of(image, inode), size);
        content.ReadExactly(value);
        return value;
    }

    private static byte[] Name(byte index, ReadOnlySpan<byte> rest)
    {
        if (!Prefixes.TryGetValue(index, out var prefix) || rest.Contains((byte)0) || (index is 2 or 3 ? rest.Length > 0 : rest.IsEmpty))
            throw new FormatException("has an extended attribute of a kind that is not known");
        byte[] name = [.. Encoding.ASCII.GetBytes(prefix), .. rest];
        return name.Length <= EntryName.MaxLength ? name : throw new FormatException("has an extended attribute with too long a name");
    }
}
