using System.Buffers.Binary;

namespace ContentTree.Store.Trees;

/// <summary>The architecture of an ELF file, read from its first bytes (System V ABI, chapter 4, "ELF header").</summary>
public static class ElfMachine
{
    /// <summary>Bytes that <see cref="Detect"/> wants to see.</summary>
    public const int HeaderBytes = 20;

    /// <summary>The e_machine number with class and byte order folded in; 0 when the bytes start no ELF file.</summary>
    public static ushort Detect(ReadOnlySpan<byte> start)
    {
        if (start.Length < HeaderBytes || !start.StartsWith("\x7f"u8) || !start[1..4].SequenceEqual("ELF"u8))
            return 0;
        var isLittleEndian = start[5] == 1;
        var machine = isLittleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(start[18..]) : BinaryPrimitives.ReadUInt16BigEndian(start[18..]);
        return machine == 21 && isLittleEndian ? LittleEndianPower : machine;
    }

    /// <summary>The name uname -m gives such a machine.</summary>
    public static string Name(ushort machine) => machine switch
    {
        0 => "",
        3 => "i386",
        8 => "mips",
        20 => "ppc",
        21 => "ppc64",
        22 => "s390x",
        40 => "arm",
        62 => "x86_64",
        183 => "aarch64",
        243 => "riscv64",
        258 => "loongarch64",
        LittleEndianPower => "ppc64le",
        _ => $"elf-{machine}",
    };

    // Not an assigned machine number: ppc64 in little-endian order has a name of its own.
    private const ushort LittleEndianPower = 0xff15;
}
