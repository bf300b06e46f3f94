using System.Buffers.Binary;

namespace ContentTree.Store.Codecs;

/// <summary>What the headers and the index of an .xz file say about the encoder that wrote it.</summary>
internal static class XzHeaders
{
    private const int StreamHeader = 12;
    private const int Footer = 12;
    private const byte HasCompressedSize = 0x40;
    private const byte HasContentSize = 0x80;
    private const byte DefaultProperties = 0x5d;

    /// <summary>Every way the file may have been written, likeliest first; none when it is nothing we can write.</summary>
    public static IReadOnlyList<XzParameters> Candidates(Stream file)
    {
        Span<byte> start = stackalloc byte[StreamHeader + 64];
        file.Position = 0;
        start = start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        if (start.Length < StreamHeader || start is not [0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, 0, var check, ..] || !IsCheck(check)
            || !TryReadBlock(start[StreamHeader..], out var block) || !TryReadIndex(file, out var blocks, out var first))
            return [];
        // A parallel encoder's only block says nothing of the block size: xz takes three dictionaries.
        var dictionary = (2L | (block.Dictionary & 1L)) << ((block.Dictionary / 2) + 11);
        var size = blocks > 1 ? first : block.Sized ? Math.Max(Math.Max(3 * dictionary, 1 << 20), first) : 0;
        var candidates = new List<XzParameters>();
        foreach (var (preset, extreme) in new[] { (6, false), (6, true), (5, false), (5, true), (4, false), (3, false), (2, false), (1, false), (0, false) })
        {
            if (XzParameters.TryCreate(preset, extreme, block.Dictionary, (XzCheck)check, block.X86, size, block.Sized, out var parameters))
                candidates.Add(parameters);
        }
        return candidates;
    }

    private static bool IsCheck(byte check) => Enum.IsDefined((XzCheck)check);

    private static bool TryReadBlock(ReadOnlySpan<byte> header, out (int Dictionary, bool X86, bool Sized) block)
    {
        block = default;
        if (header.Length < 8 || header[0] == 0)
            return false;
        var chunk = header[Math.Min((header[0] + 1) * 4, header.Length)..];
        var sizes = header[1] & (HasCompressedSize | HasContentSize);
        var filters = header[2..];
        if (sizes is not (0 or (HasCompressedSize | HasContentSize)))
            return false;
        if (sizes != 0 && !(TryReadNumber(ref filters, out _) && TryReadNumber(ref filters, out _)))
            return false;
        var x86 = (header[1] & 3) == 1 && filters is [0x04, 0, ..];
        if (x86)
            filters = filters[2..];
        if (((header[1] & 3) == 1) != x86 || filters is not [0x21, 1, var dictionary, ..])
            return false;
        block = (dictionary, x86, sizes != 0);
        // A first chunk that is compressed tells the literal and position bits; the presets have one setting.
        return chunk is not [>= 0xe0, _, _, _, _, var properties, ..] || properties == DefaultProperties;
    }

    // The number of blocks and the content bytes of the first.
    private static bool TryReadIndex(Stream file, out long blocks, out long first)
    {
        (blocks, first) = (0, 0);
        Span<byte> bytes = stackalloc byte[32];
        if (file.Length < StreamHeader + Footer)
            return false;
        file.Position = file.Length - Footer;
        file.ReadExactly(bytes[..Footer]);
        var length = (BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) + 1L) * 4;
        if (bytes[10] != 'Y' || bytes[11] != 'Z' || length > file.Length - StreamHeader - Footer)
            return false;
        file.Position = file.Length - Footer - length;
        ReadOnlySpan<byte> index = bytes[..file.ReadAtLeast(bytes, (int)Math.Min(length, bytes.Length), throwOnEndOfStream: false)];
        if (index is not [0, ..])
            return false;
        index = index[1..];
        return TryReadNumber(ref index, out blocks) && blocks > 0 && TryReadNumber(ref index, out _) && TryReadNumber(ref index, out first);
    }

    private static bool TryReadNumber(ref ReadOnlySpan<byte> bytes, out long number)
    {
        number = 0;
        for (var i = 0; i < Math.Min(bytes.Length, 9); i++)
        {
            number |= (bytes[i] & 0x7fL) << (7 * i);
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return true;
            }
        }
        return false;
    }
}
