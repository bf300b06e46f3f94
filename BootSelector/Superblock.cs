using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>How ext2 to ext4 and FAT name themselves at the start of a disk.</summary>
/// <param name="Uuid">As in <c>/etc/fstab</c>: 32 hex digits in groups, or a FAT serial <c>XXXX-XXXX</c>.</param>
/// <param name="Label">The volume's label, or "".</param>
internal sealed record Superblock(string Uuid, string Label)
{
    /// <summary>Bytes from the start that <see cref="Parse"/> needs.</summary>
    public const int Size = 2048;

    private const int Ext = 1024;

    public override string ToString() => $"UUID={Uuid} LABEL={Label}";

    /// <summary>Null when the device cannot be read or has neither file system.</summary>
    public static unsafe Superblock? Read(string device)
    {
        var fd = Kernel.Open(device, Kernel.O_RDONLY | Kernel.O_CLOEXEC, 0);
        if (fd < 0)
            return null;
        var bytes = new byte[Size];
        fixed (byte* start = bytes)
        {
            var count = Kernel.pread(fd, start, Size, 0);
            _ = Kernel.close(fd);
            return count == Size ? Parse(bytes) : null;
        }
    }

    /// <summary>Reads the first <see cref="Size"/> bytes of a disk.</summary>
    public static Superblock? Parse(ReadOnlySpan<byte> disk)
    {
        if (disk.Length < Size)
            return null;
        if (BinaryPrimitives.ReadUInt16LittleEndian(disk[(Ext + 0x38)..]) == 0xEF53)
            return new Superblock(ExtUuid(disk.Slice(Ext + 0x68, 16)), TextOf(disk.Slice(Ext + 0x78, 16)));
        if (disk[510] != 0x55 || disk[511] != 0xAA)
            return null;
        if (disk.Slice(82, 5).SequenceEqual("FAT32"u8))
            return new Superblock(FatSerial(disk[67..]), TextOf(disk.Slice(71, 11)));
        return disk.Slice(54, 4).SequenceEqual("FAT1"u8) ? new Superblock(FatSerial(disk[39..]), TextOf(disk.Slice(43, 11))) : null;
    }

    private static string ExtUuid(ReadOnlySpan<byte> bytes) => new Guid(bytes, bigEndian: true).ToString();

    private static string FatSerial(ReadOnlySpan<byte> bytes)
    {
        var serial = BinaryPrimitives.ReadUInt32LittleEndian(bytes).ToString("X8", CultureInfo.InvariantCulture);
        return serial[..4] + "-" + serial[4..];
    }

    private static string TextOf(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)0);
        var text = Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]).TrimEnd(' ');
        return text == "NO NAME" ? "" : text;
    }
}
