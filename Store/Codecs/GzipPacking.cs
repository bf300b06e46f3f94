using System.IO.Compression;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Codecs;

/// <summary>
/// Gzip files as GNU gzip writes them with -n. Its deflate differs from zlib's, so packing runs the program itself.
/// </summary>
internal static class GzipPacking
{
    public const int HeaderLength = 10;
    private static readonly string[] Programs = ["/usr/bin/gzip", "/bin/gzip"];

    /// <summary>Where Debian keeps the program; null when it is not there.</summary>
    public static string? FindProgram() => Programs.FirstOrDefault(File.Exists);

    /// <summary>The levels that may have written this header of `gzip -n`, likeliest first; none for any other header.</summary>
    public static int[] LevelsOf(ReadOnlySpan<byte> header) => header switch
    {
        [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, ..] => [9],
        [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, ..] => [6, 8, 7, 5, 4, 3, 2],
        [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 3, ..] => [1],
        _ => [],
    };

    /// <summary>
    /// The content, at most <paramref name="maxLength"/> bytes of it. What follows the first member is not looked for here:
    /// the proof that packing gives the same file again finds it.
    /// </summary>
    public static Stream Unpack(Stream packed, long maxLength) =>
        new BoundedStream(new GZipStream(packed, CompressionMode.Decompress, leaveOpen: true), maxLength, "gzip file");

    /// <summary>The file that `gzip -n` with this level makes of the content.</summary>
    /// <exception cref="IOException">There is no gzip program, or it does not start.</exception>
    public static Stream Pack(Stream content, int level) => new ProgramStream(content, RequireProgram(), Options(level));

    /// <summary>What `gzip -n` with this level makes of each content, one after the other.</summary>
    /// <param name="contents">Files open in this process, which stay open; whether they still have a name does not matter.</param>
    /// <exception cref="IOException">There is no gzip program, or it does not start.</exception>
    public static Stream Pack(IEnumerable<SafeFileHandle> contents, int level)
    {
        var files = contents.Select(file => $"/proc/{Environment.ProcessId}/fd/{file.DangerousGetHandle()}");
        return new ProgramStream(Stream.Null, RequireProgram(), [Options(level), .. files]);
    }

    private static string RequireProgram() => FindProgram() ?? throw new IOException("there is no gzip program");

    private static string Options(int level)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, 9);
        return $"-{level}nc";
    }
}
