namespace ContentTree.Store.Codecs;

/// <summary>
/// Everything that decides which bytes the .xz encoder writes, in one spelling: presets 7 to 9 are preset 6 with a larger
/// dictionary and are not said apart. docs/format/repacking.md.
/// </summary>
internal readonly record struct XzParameters
{
    public const int MaxEncodedLength = 8;
    private const int MaxDictionaryCode = 28;
    private const long MinBlock = 4096;
    private const long MaxBlock = 1 << 30;
    private const byte ExtremeBit = 0x08;
    private const byte X86Bit = 0x10;
    private const byte SizedBit = 0x20;

    private XzParameters(int preset, bool extreme, int dictionaryCode, XzCheck check, bool x86, long blockSize, bool sized) =>
        (Preset, IsExtreme, DictionaryCode, Check, IsX86, BlockSize, HasSizedBlocks) = (preset, extreme, dictionaryCode, check, x86, blockSize, sized);

    /// <summary>0 to 6; with <see cref="IsExtreme"/> only 5 or 6.</summary>
    public int Preset { get; }

    public bool IsExtreme { get; }

    /// <summary>The dictionary's size as an .xz block header writes it.</summary>
    public int DictionaryCode { get; }

    public XzCheck Check { get; }

    /// <summary>Whether jump targets of x86 code are made absolute first.</summary>
    public bool IsX86 { get; }

    /// <summary>Content bytes in each block; 0 is one block for all.</summary>
    public long BlockSize { get; }

    /// <summary>Whether block headers carry sizes, as the parallel encoder of xz writes them.</summary>
    public bool HasSizedBlocks { get; }

    public long Dictionary => (2L | (DictionaryCode & 1L)) << ((DictionaryCode / 2) + 11);

    /// <summary>Bytes of memory the encoder needs.</summary>
    public long EncoderMemory => XzCoder.EncoderMemory(this);

    /// <summary>Bytes of memory the decoder needs.</summary>
    public long DecoderMemory => XzCoder.DecoderMemory(this);

    /// <param name="preset">0 to 9, as on xz's command line.</param>
    /// <param name="dictionaryCode">As in a block header, at most 64 MiB; null takes the preset's.</param>
    public static bool TryCreate(
        int preset, bool extreme, int? dictionaryCode, XzCheck check, bool x86, long blockSize, bool sized, out XzParameters parameters)
    {
        parameters = default;
        if (preset is < 0 or > 9 || !IsAllowed(dictionaryCode ?? 0, check, blockSize, sized))
            return false;
        ReadOnlySpan<byte> codes = [12, 16, 18, 20, 20, 22, 22, 24, 26, 28];
        // The encoder's settings behind the presets, apart from the dictionary, have only these spellings.
        var canonical = extreme ? preset is 3 or 5 ? 5 : 6 : Math.Min(preset, 6);
        parameters = new(canonical, extreme, dictionaryCode ?? codes[preset], check, x86, blockSize, sized);
        return true;
    }

    /// <summary>Reads exactly what <see cref="Encode"/> writes.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, out XzParameters parameters)
    {
        parameters = default;
        if (encoded.Length is < 4 or > MaxEncodedLength)
            return false;
        long blockSize = 0;
        for (var i = 3; i < encoded.Length; i++)
            blockSize |= (encoded[i] & 0x7fL) << (7 * (i - 3));
        var flags = encoded[0];
        return TryCreate(flags & 7, (flags & ExtremeBit) != 0, encoded[1], (XzCheck)encoded[2], (flags & X86Bit) != 0, blockSize, (flags & SizedBit) != 0, out parameters)
            && parameters.Encode().AsSpan().SequenceEqual(encoded);
    }

    /// <summary>4 to 8 bytes.</summary>
    public byte[] Encode()
    {
        List<byte> encoded =
        [
            (byte)(Preset | (IsExtreme ? ExtremeBit : 0) | (IsX86 ? X86Bit : 0) | (HasSizedBlocks ? SizedBit : 0)),
            (byte)DictionaryCode,
            (byte)Check,
        ];
        var left = BlockSize;
        for (; left > 0x7f; left >>= 7)
            encoded.Add((byte)(left | 0x80));
        encoded.Add((byte)left);
        return [.. encoded];
    }

    private static bool IsAllowed(int dictionaryCode, XzCheck check, long blockSize, bool sized) =>
        dictionaryCode is >= 0 and <= MaxDictionaryCode
        && Enum.IsDefined(check)
        && (blockSize is 0 or (>= MinBlock and <= MaxBlock))
        && (blockSize > 0 || !sized);
}
