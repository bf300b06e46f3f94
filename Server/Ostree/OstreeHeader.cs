using System.Buffers.Binary;
using ContentTree.Store;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Ostree;

/// <summary>
/// What OSTree says of a file, a symlink or a directory beside its content: owner, mode with the kind of entry in it, attributes. A content
/// object's checksum is that of this header, framed, and the content.
/// </summary>
/// <param name="Mode">As stat(2) has it.</param>
/// <param name="Target">Of a symlink, else empty; UTF-8.</param>
/// <param name="Xattrs">In the order they stand there.</param>
internal sealed record OstreeHeader(uint Uid, uint Gid, uint Mode, byte[] Target, IReadOnlyList<Xattr> Xattrs)
{
    /// <summary>Longest that is read: far more than the attributes that a tree may have.</summary>
    public const int MaxBytes = 256 << 10;

    /// <summary>Of the length that stands before a header, and of the zeros behind it.</summary>
    public const int FrameBytes = 8;

    public const uint RegularFile = 0x8000;
    public const uint SymbolicLink = 0xa000;
    public const uint Directory = 0x4000;

    private const uint KindMask = 0xf000;
    private const int MaxXattrs = 64;
    private const string XattrsType = "a(ayay)";

    public uint Kind => Mode & KindMask;

    /// <summary>Of an object with content.</summary>
    public static OstreeHeader OfFile(Metadata metadata) => new(metadata.Uid, metadata.Gid, RegularFile | (uint)metadata.Mode, [], metadata.Xattrs);

    /// <summary>Symlinks have every permission, as stat(2) shows them.</summary>
    public static OstreeHeader OfSymlink(TreeEntry.Symlink link) => new(link.Metadata.Uid, link.Metadata.Gid, SymbolicLink | 0x1ff, link.Target, link.Metadata.Xattrs);

    public static OstreeHeader OfDirectory(Metadata metadata) => new(metadata.Uid, metadata.Gid, Directory | (uint)metadata.Mode, [], metadata.Xattrs);

    /// <summary>Reads the header that an archive's object begins with, and its content's size, which no checksum confirms.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static (OstreeHeader Header, long Size) DecodeArchived(ReadOnlySpan<byte> bytes)
    {
        var value = new GVariant(bytes, $"(tuuuus{XattrsType})");
        var size = value[0].Number64;
        var header = new OstreeHeader(value[1].Number32, value[2].Number32, value[3].Number32, value[5].Text.ToArray(), ReadXattrs(value[6]));
        if (size > (ulong)Tree.MaxTotalBytes)
            throw new FormatException($"tells a size of {size} bytes");
        return header.EncodeArchived((long)size).AsSpan().SequenceEqual(bytes) ? (header, (long)size) : throw new FormatException("is written in a second way");
    }

    /// <summary>Reads what a directory's metadata object holds, and what a repository of mode bare-user keeps of a file in an attribute.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static OstreeHeader DecodeMetadata(ReadOnlySpan<byte> bytes)
    {
        var value = new GVariant(bytes, $"(uuu{XattrsType})");
        var header = new OstreeHeader(value[0].Number32, value[1].Number32, value[2].Number32, [], ReadXattrs(value[3]));
        return header.EncodeMetadata().AsSpan().SequenceEqual(bytes) ? header : throw new FormatException("is written in a second way");
    }

    /// <summary>What the checksum of a content object begins with.</summary>
    public byte[] Encode() => GVariantValue.Tuple(
        GVariantValue.Number(Uid), GVariantValue.Number(Gid), GVariantValue.Number(Mode), GVariantValue.Number(0u), GVariantValue.Text(Target), EncodeXattrs()).Bytes;

    public byte[] EncodeArchived(long size) => GVariantValue.Tuple(
        GVariantValue.Number((ulong)size), GVariantValue.Number(Uid), GVariantValue.Number(Gid), GVariantValue.Number(Mode), GVariantValue.Number(0u),
        GVariantValue.Text(Target), EncodeXattrs()).Bytes;

    public byte[] EncodeMetadata() => GVariantValue.Tuple(GVariantValue.Number(Uid), GVariantValue.Number(Gid), GVariantValue.Number(Mode), EncodeXattrs()).Bytes;

    /// <summary>A header with its length before it.</summary>
    public static byte[] Framed(byte[] header)
    {
        var framed = new byte[FrameBytes + header.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed, header.Length);
        header.CopyTo(framed, FrameBytes);
        return framed;
    }

    /// <summary>The same for a tree's entry.</summary>
    /// <exception cref="FormatException">No tree holds that; the message says what.</exception>
    public Metadata ToMetadata()
    {
        var permissions = Mode & ~KindMask;
        if (permissions > Metadata.MaxMode)
            throw new FormatException($"has the mode {Convert.ToString(Mode, 8)}");
        if (Uid == uint.MaxValue || Gid == uint.MaxValue)
            throw new FormatException("has an owner that is none");
        if (Xattrs.Count > MaxXattrs || Xattrs.Sum(x => x.Name.Length + x.Value.Length) > Metadata.MaxXattrBytes)
            throw new FormatException($"has more than {MaxXattrs} extended attributes, or more than {Metadata.MaxXattrBytes} bytes of them, which not every device can store");
        var sorted = Xattrs.ToArray();
        Array.Sort(sorted, (a, b) => a.Name.AsSpan().SequenceCompareTo(b.Name));
        for (var i = 0; i < sorted.Length; i++)
        {
            if (!Xattr.BelongsToTree(sorted[i].Name) || sorted[i].Name.Length > EntryName.MaxLength)
                throw new FormatException($"has the attribute {Posix.Display(sorted[i].Name)}, which no tree holds");
            if (i > 0 && sorted[i].Name.AsSpan().SequenceEqual(sorted[i - 1].Name))
                throw new FormatException($"has the attribute {Posix.Display(sorted[i].Name)} twice");
        }
        return new Metadata(Kind == SymbolicLink ? 0 : (int)permissions, Uid, Gid, sorted);
    }

    private static Xattr[] ReadXattrs(GVariant array)
    {
        var xattrs = new Xattr[array.Count];
        for (var i = 0; i < xattrs.Length; i++)
        {
            var name = array[i][0].Bytes;
            if (name.IndexOf((byte)0) != name.Length - 1 || name.Length < 2)
                throw new FormatException("has an attribute without a name");
            xattrs[i] = new Xattr(name[..^1].ToArray(), array[i][1].Bytes.ToArray());
        }
        return xattrs;
    }

    private GVariantValue EncodeXattrs() =>
        GVariantValue.Array(1, Xattrs.Select(x => GVariantValue.Tuple(GVariantValue.ByteArray([.. x.Name, 0]), GVariantValue.ByteArray(x.Value))));
}
