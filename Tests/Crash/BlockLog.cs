using System.Buffers.Binary;

namespace ContentTree.Tests.Crash;

/// <summary>One write that reached a disk, or a flush: what was written before it is durable.</summary>
internal sealed record BlockWrite(long Offset, byte[] Data)
{
    public static BlockWrite Flush { get; } = new(0, []);

    public bool IsFlush => Data.Length == 0;
}

/// <summary>Reads what QEMU's <c>blklogwrites</c> recorded, which is the format of the kernel's dm-log-writes.</summary>
internal static class BlockLog
{
    public const int Sector = 512;

    private const ulong Magic = 0x6a736677736872;
    private const int FlushFlag = 1, DiscardFlag = 4;

    public static IReadOnlyList<BlockWrite> Read(string path)
    {
        var bytes = File.ReadAllBytes(path).AsSpan();
        if (BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic || BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]) != Sector)
            throw new InvalidDataException($"{path} is no log of writes in sectors of {Sector} bytes");
        var writes = new List<BlockWrite>();
        var at = Sector;
        for (var left = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]); left > 0; left--)
        {
            var entry = bytes.Slice(at, 32);
            var (start, sectors) = (BinaryPrimitives.ReadInt64LittleEndian(entry), BinaryPrimitives.ReadInt64LittleEndian(entry[8..]));
            var flags = BinaryPrimitives.ReadInt64LittleEndian(entry[16..]);
            at += Sector;
            if ((flags & DiscardFlag) != 0)
                continue;
            var size = checked((int)(sectors * Sector));
            // A flush with data is a flush first.
            if ((flags & FlushFlag) != 0)
                writes.Add(BlockWrite.Flush);
            if (size > 0)
                writes.Add(new BlockWrite(start * Sector, bytes.Slice(at, size).ToArray()));
            at += size;
        }
        return writes;
    }
}
