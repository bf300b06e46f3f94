namespace ContentTree.Store.Deltas.Coding;

/// <summary>Recognises 32-bit relative addresses in x86 code by the one or two bytes before them.</summary>
internal static unsafe class Relative
{
    // Bytes before a ModRM byte that say "address relative to the next instruction": opcodes often seen with one.
    private static ReadOnlySpan<byte> Opcodes =>
    [
        0x03, 0x0B, 0x10, 0x11, 0x28, 0x29, 0x2B, 0x38, 0x39, 0x3A, 0x3B, 0x63, 0x6F, 0x7F, 0x80, 0x81, 0x82, 0x83,
        0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0xB6, 0xC7, 0xFF,
    ];

    /// <summary>For each two bytes, the second in the upper half of the index: a bit, set when an address follows.</summary>
    public static void FillTable(byte* table)
    {
        for (var second = 0; second < 256; second++)
            for (var first = 0; first < 256; first++)
                table[(second << 5) | (first >> 3)] |= IsBefore((byte)first, (byte)second) ? (byte)(1 << (first & 7)) : (byte)0;
    }

    private static bool IsBefore(byte first, byte second) =>
        (second & 0xFE) == 0xE8
        || (first == 0x0F && (second & 0xF0) == 0x80)
        || ((second & 0xC7) == 0x05 && Opcodes.Contains(first));

    /// <summary>Whether a file that begins so holds x86 code: PE, or ELF for one of the two x86 machines.</summary>
    public static bool IsCode(ReadOnlySpan<byte> start) =>
        start.StartsWith("MZ"u8) || (start.StartsWith("\u007fELF"u8) && start[18] is 3 or 62);
}
