using System.Buffers.Binary;

namespace ContentTree.Server.Publishing.Sources.Images;

/// <summary>An inode's bytes, and what they mean.</summary>
internal sealed class ExtInode(uint number, byte[] bytes)
{
    /// <summary>Of the pointers to blocks, or of what stands in their place.</summary>
    public const int PointerBytes = 60;

    private const int PointersAt = 40;
    private const int SmallBytes = 128;
    private const uint Encrypted = 0x800;
    private const uint Extents = 0x80000;
    private const uint AttributeValue = 0x200000;
    private const uint Inline = 0x10000000;

    public uint Number { get; } = number;

    /// <summary>The kind of entry, as in the upper bits of a mode.</summary>
    public int Kind => Short(0) & 0xf000;

    public int Permissions => Short(0) & 0xfff;

    public uint Uid => Short(2) | ((uint)Short(120) << 16);

    public uint Gid => Short(24) | ((uint)Short(122) << 16);

    public int Links => Short(26);

    public ulong Size => Long(4) | ((ulong)Long(108) << 32);

    public bool HasExtents => (Long(32) & Extents) != 0;

    public bool IsEncrypted => (Long(32) & Encrypted) != 0;

    /// <summary>Whether its content stands in the inode.</summary>
    public bool IsInline => (Long(32) & Inline) != 0;

    /// <summary>Whether its content is the value of another inode's attribute.</summary>
    public bool IsAttributeValue => (Long(32) & AttributeValue) != 0;

    /// <summary>The block with its attributes, or 0.</summary>
    public long AttributeBlock => Long(104) | ((long)Short(118) << 32);

    public ReadOnlyMemory<byte> Pointers => bytes.AsMemory(PointersAt, PointerBytes);

    /// <summary>What is behind the fields: attributes.</summary>
    public ReadOnlySpan<byte> Rest => bytes.Length > SmallBytes + 2 && SmallBytes + Short(SmallBytes) is var start && start <= bytes.Length ? bytes.AsSpan(start) : [];

    /// <summary>Of a device node.</summary>
    public (uint Major, uint Minor) Device => Long(PointersAt) is > 0 and var old
        ? ((old >> 8) & 0xff, old & 0xff)
        : ((Long(PointersAt + 4) & 0xfff00) >> 8, (Long(PointersAt + 4) & 0xff) | ((Long(PointersAt + 4) >> 12) & 0xfff00));

    private ushort Short(int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(at));

    private uint Long(int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));
}
