namespace ContentTree.Server.Publishing.Sources.Images;

/// <summary>Tells images by their magic numbers.</summary>
internal static class ImageLook
{
    private const int StartBytes = 2048;
    private const int TarMagicAt = 257;
    private const int BootSignatureAt = 510;

    /// <exception cref="IOException">The file cannot be read.</exception>
    public static ImageKind Of(string path)
    {
        using var file = File.OpenHandle(path);
        Span<byte> start = stackalloc byte[StartBytes];
        start = start[..RandomAccess.Read(file, start, 0)];
        if (start.StartsWith("hsqs"u8))
            return ImageKind.Squashfs;
        if (start.Length < StartBytes || start[TarMagicAt..].StartsWith("ustar"u8))
            return ImageKind.None;
        if (ExtSuperblock.IsExt(start))
            return ImageKind.Ext;
        return start[BootSignatureAt..].StartsWith((ReadOnlySpan<byte>)[0x55, 0xaa]) && (start[512..].StartsWith("EFI PART"u8) || HasPartition(start))
            ? ImageKind.Disk
            : ImageKind.None;
    }

    // Four entries of 16 bytes; the fifth byte of one says what is in the partition.
    private static bool HasPartition(ReadOnlySpan<byte> start)
    {
        for (var entry = 446; entry < BootSignatureAt; entry += 16)
        {
            if (start[entry + 4] != 0)
                return true;
        }
        return false;
    }
}
