using System.Buffers.Binary;

namespace ContentTree.Server.Publishing.Sources.Images;

/// <summary>What an ext filesystem says of itself, checked: with it no number leads to a size or place that cannot be.</summary>
internal sealed record ExtSuperblock
{
    public const int At = 1024;

    private const int Bytes = 1024;
    private const ushort Magic = 0xef53;
    private const int MaxBlockShift = 6;
    private const uint NeedsRecovery = 0x4;
    private const uint Is64Bit = 0x80;

    // File types, extents, 64 bits, protection against two mounts, flexible groups, attributes in inodes, seeds, large directories, data in inodes,
    // encryption (of single files, which are refused), folded names.
    private const uint Readable = 0x2 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x8000 | 0x10000 | 0x20000;

    private ExtSuperblock()
    {
    }

    public int BlockSize { get; private init; }

    public long Blocks { get; private init; }

    public uint Inodes { get; private init; }

    public uint InodesPerGroup { get; private init; }

    public int InodeSize { get; private init; }

    /// <summary>Where the table of groups begins, in bytes.</summary>
    public long Groups { get; private init; }

    public int GroupSize { get; private init; }

    public static bool IsExt(ReadOnlySpan<byte> start) => BinaryPrimitives.ReadUInt16LittleEndian(start[(At + 56)..]) == Magic && Number(start[At..], 24) <= MaxBlockShift;

    /// <exception cref="FormatException">It is none that can be read; the message says why.</exception>
    public static ExtSuperblock Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Bytes || BinaryPrimitives.ReadUInt16LittleEndian(bytes[56..]) != Magic || Number(bytes, 24) > MaxBlockShift)
            throw new FormatException("is no ext filesystem");
        var features = Number(bytes, 96);
        if ((features & NeedsRecovery) != 0)
            throw new FormatException("its journal has to be played first, as after a machine that went down: 'e2fsck -p' does it");
        if ((features & ~Readable) is not 0 and var unknown)
            throw new FormatException($"has features that cannot be read (0x{unknown:x})");
        if ((BinaryPrimitives.ReadUInt16LittleEndian(bytes[58..]) & 3) != 1)
            throw new FormatException("was not put away in order: 'e2fsck -p' mends it");
        var blockSize = 1024 << (int)Number(bytes, 24);
        var is64 = (features & Is64Bit) != 0;
        var superblock = new ExtSuperblock
        {
            BlockSize = blockSize,
            Blocks = Number(bytes, 4) | (is64 ? (long)Number(bytes, 336) << 32 : 0),
            Inodes = Number(bytes, 0),
            InodesPerGroup = Number(bytes, 40),
            InodeSize = Number(bytes, 76) == 0 ? 128 : BinaryPrimitives.ReadUInt16LittleEndian(bytes[88..]),
            Groups = (Number(bytes, 20) + 1L) * blockSize,
            GroupSize = is64 ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[254..]) : 32,
        };
        return superblock.InodesPerGroup > 0 && superblock.Blocks is > 0 and < 1L << 36 && superblock.Groups <= 2 * 65536 &&
            superblock.InodeSize >= 128 && superblock.InodeSize <= blockSize && superblock.GroupSize is >= 32 and <= 1024 && (!is64 || superblock.GroupSize >= 64) &&
            superblock.Inodes / (blockSize / superblock.InodeSize) <= superblock.Blocks
            ? superblock
            : throw new FormatException("its first numbers make no sense");
    }

    private static uint Number(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
}
