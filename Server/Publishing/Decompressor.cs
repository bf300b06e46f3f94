namespace ContentTree.Server.Publishing;

/// <summary>A program that unpacks, and the bytes by which one sees that it is the one.</summary>
/// <param name="Program">Found on the path.</param>
/// <param name="Words">Make it write what it reads from standard input to standard output, in bounded memory.</param>
internal sealed record Decompressor(string Program, string[] Words)
{
    private const string Memory = "512MiB";

    // Two of lz4: its frame, and what the kernel's own build packs an initramfs in.
    private static readonly (byte[] Magic, Decompressor Decompressor)[] Known =
    [
        ([0x1f, 0x8b], new("gzip", ["-dc"])),
        ([0x28, 0xb5, 0x2f, 0xfd], new("zstd", ["-dcq", "--memory=" + Memory])),
        ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], new("xz", ["-dcq", "-M", Memory])),
        ([0x04, 0x22, 0x4d, 0x18], new("lz4", ["-dcq"])),
        ([0x02, 0x21, 0x4c, 0x18], new("lz4", ["-dcq"])),
        ("BZh"u8.ToArray(), new("bzip2", ["-dc"])),
    ];

    /// <summary>Bytes that <see cref="For"/> wants to see.</summary>
    public const int MagicLength = 6;

    /// <summary>The one for what begins like this; null for what is not packed.</summary>
    public static Decompressor? For(ReadOnlySpan<byte> start)
    {
        foreach (var (magic, decompressor) in Known)
        {
            if (start.StartsWith(magic))
                return decompressor;
        }
        return null;
    }
}
