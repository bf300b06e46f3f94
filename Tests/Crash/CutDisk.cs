using System.Buffers.Binary;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>
/// A disk of two partitions, so that one log has the order of both: FAT for the boot file, and a file system of Linux for the rest.
/// The first sectors belong to neither; a step that was acknowledged leaves its number there.
/// </summary>
internal static class CutDisk
{
    public const int MarkSector = 64;
    public const int FatStart = 1 << 20, FatSize = 16 << 20;
    public const int RootStart = FatStart + FatSize;
    public const int BlockSize = 4096;

    // f2fs keeps a third of so small a disk for itself.
    private const int Ext4Size = 40 << 20, F2fsSize = 80 << 20;

    /// <summary>Where ext4 keeps its superblock, in bytes of its partition, and the block of its first copy.</summary>
    public const int Superblock = 1024, SuperblockCopy = 8192;

    /// <summary>Makes the image; the device's boot file goes to FAT, or stays in the root. f2fs is left empty.</summary>
    public static void Make(string path, string root, CutRoot kind)
    {
        var (fat, linux) = (path + ".fat", path + ".root");
        Shell.Run($"rm -f '{fat}' '{linux}'; mkfs.vfat -F 16 -C '{fat}' {FatSize >> 10} >/dev/null");
        if (kind == CutRoot.Ext4WithFat)
            Shell.Run($"cd '{root}/ctree/boot' && mcopy -s -i '{fat}' * :: && rm -r *");
        var size = kind == CutRoot.F2fs ? F2fsSize : Ext4Size;
        Shell.Run($"truncate -s {size} '{linux}' && " + (kind == CutRoot.F2fs
            ? $"mkfs.f2fs -q -f '{linux}'"
            : $"mkfs.ext4 -q -F -b {BlockSize} -g {SuperblockCopy} -d '{root}' '{linux}'"));
        Shell.Run($"truncate -s {RootStart} '{path}' && dd if='{fat}' of='{path}' bs=1M seek=1 conv=notrunc status=none && cat '{linux}' >> '{path}' && rm '{fat}' '{linux}'");
        using var file = File.OpenWrite(path);
        file.Write(Table(size));
    }

    private static byte[] Table(int rootSize)
    {
        var sector = new byte[BlockLog.Sector];
        Entry(sector.AsSpan(446), 0x0e, FatStart, FatSize);
        Entry(sector.AsSpan(462), 0x83, RootStart, rootSize);
        (sector[510], sector[511]) = (0x55, 0xaa);
        return sector;
    }

    private static void Entry(Span<byte> entry, byte type, int start, int size)
    {
        entry[4] = type;
        BinaryPrimitives.WriteInt32LittleEndian(entry[8..], start / BlockLog.Sector);
        BinaryPrimitives.WriteInt32LittleEndian(entry[12..], size / BlockLog.Sector);
    }
}
