namespace ContentTree.Server.Publishing.Sources.Tar;

/// <summary>
/// A header block of 512 bytes: POSIX.1-1988 ustar, the GNU variant of it and what came before both (tar(5) of libarchive has all three).
/// </summary>
internal readonly ref struct TarBlock(ReadOnlySpan<byte> bytes)
{
    public const int Length = 512;

    // Of the old GNU format, behind what all formats share.
    private const int GnuSparseAt = 386, GnuSparseExtendedAt = 482, GnuRealSizeAt = 483, ExtensionExtendedAt = 504;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public bool IsZero => !_bytes.ContainsAnyExcept((byte)0);

    public byte Type => _bytes[156];

    public int Mode => (int)(Number(100, 8) & 0xfff);

    public long Uid => Number(108, 8);

    public long Gid => Number(116, 8);

    public long Size => Number(124, 12);

    public ReadOnlySpan<byte> Target => Text(157, 100);

    public long Major => HasDevices ? Number(329, 8) : 0;

    public long Minor => HasDevices ? Number(337, 8) : 0;

    public long GnuRealSize => Number(GnuRealSizeAt, 12);

    private bool IsUstar => _bytes.Slice(257, 6).SequenceEqual("ustar\0"u8);

    private bool HasDevices => _bytes.Slice(257, 5).SequenceEqual("ustar"u8);

    /// <summary>A long name is cut in two at a slash; GNU has times where the front part would stand.</summary>
    public byte[] Path()
    {
        var prefix = IsUstar ? Text(345, 155) : [];
        var name = Text(0, 100);
        return prefix.IsEmpty ? name.ToArray() : [.. prefix, (byte)'/', .. name];
    }

    /// <summary>The sum over all bytes, those of the sum itself counted as spaces. Some old programs summed signed bytes.</summary>
    public bool HasItsChecksum()
    {
        int unsigned = 8 * ' ', signed = unsigned;
        for (var i = 0; i < Length; i++)
        {
            if (i is >= 148 and < 156)
                continue;
            unsigned += _bytes[i];
            signed += (sbyte)_bytes[i];
        }
        return TryNumber(148, 8, out var said) && (said == unsigned || said == signed);
    }

    /// <summary>The four pieces of a sparse file that stand in its header, and whether blocks with more of them follow.</summary>
    public bool ReadGnuSparse(List<(long Offset, long Length)> pieces) => ReadPieces(GnuSparseAt, 4, GnuSparseExtendedAt, pieces);

    /// <summary>This block holds nothing but pieces of a sparse file: 21 of them.</summary>
    public bool ReadGnuSparseExtension(List<(long Offset, long Length)> pieces) => ReadPieces(0, 21, ExtensionExtendedAt, pieces);

    private bool ReadPieces(int at, int count, int extendedAt, List<(long Offset, long Length)> pieces)
    {
        for (var i = 0; i < count; i++, at += 24)
        {
            // Those that are not needed are left empty.
            if (_bytes[at + 12] != 0)
                pieces.Add((Number(at, 12), Number(at + 12, 12)));
        }
        return _bytes[extendedAt] != 0;
    }

    private ReadOnlySpan<byte> Text(int at, int length)
    {
        var field = _bytes.Slice(at, length);
        return field.IndexOf((byte)0) is >= 0 and var end ? field[..end] : field;
    }

    private long Number(int at, int length) => TryNumber(at, length, out var number) ? number : throw new FormatException("has a number that is none in its header");

    // Octal digits between spaces and NULs; or, with the highest bit set, a big-endian number (GNU, star).
    private bool TryNumber(int at, int length, out long number)
    {
        var field = _bytes.Slice(at, length);
        number = 0;
        if ((field[0] & 0x80) != 0)
            return TryBinary(field, out number);
        foreach (var digit in field.Trim(" \0"u8))
        {
            if (digit is < (byte)'0' or > (byte)'7')
                return false;
            number = number * 8 + digit - '0';
        }
        return true;
    }

    private static bool TryBinary(ReadOnlySpan<byte> field, out long number)
    {
        number = field[0] & 0x7f;
        foreach (var digit in field[1..])
        {
            if (number > long.MaxValue >> 8)
                return false;
            number = (number << 8) | digit;
        }
        return true;
    }
}
