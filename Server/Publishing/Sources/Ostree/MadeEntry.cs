using System.Buffers.Binary;
using System.Diagnostics;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Publishing.Sources.Ostree;

/// <summary>A file or symlink of OSTree as an entry of ours that has no name yet, and the machine that a program is for.</summary>
internal sealed record MadeEntry(TreeEntry Entry, ushort Machine)
{
    /// <summary>Stands for every name.</summary>
    public static readonly EntryName NoName = EntryName.Create("-");

    public long Size => Entry is TreeEntry.File file ? file.Size : 0;

    public TreeEntry Named(EntryName name) => Entry switch
    {
        TreeEntry.File file => new TreeEntry.File(name, file.Metadata, file.Size, file.Id),
        TreeEntry.Symlink link => new TreeEntry.Symlink(name, link.Metadata, link.Target),
        _ => throw new UnreachableException(),
    };

    /// <summary>The machine, then a tree with nothing but this entry.</summary>
    public byte[] Encode()
    {
        var tree = new Tree(Metadata.Plain(0), [Entry]).Encode();
        var bytes = new byte[sizeof(ushort) + tree.Length];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, Machine);
        tree.CopyTo(bytes, sizeof(ushort));
        return bytes;
    }

    /// <summary>Reads what <see cref="Encode"/> wrote; null for anything else.</summary>
    public static MadeEntry? TryDecode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return bytes.Length > sizeof(ushort) && Tree.Decode(bytes[sizeof(ushort)..]).Entries is [TreeEntry.File or TreeEntry.Symlink] entries
                ? new MadeEntry(entries[0], BinaryPrimitives.ReadUInt16LittleEndian(bytes))
                : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
