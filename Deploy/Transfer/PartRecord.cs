using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// What is known about a file that is being downloaded in ranges: a few lines of text that end with a checksum, so that a torn
/// record is no record. Whatever follows the checksum is left from a longer record and means nothing.
/// </summary>
/// <param name="Length">Bytes of the whole file.</param>
/// <param name="Boot">The boot of the machine during which it was written.</param>
/// <param name="Tags">The strong ETag under which each source served it.</param>
/// <param name="Ranges">The bytes that are here.</param>
internal sealed record PartRecord(long Length, string Boot, IReadOnlyDictionary<string, string> Tags, IReadOnlyList<ByteRange> Ranges)
{
    /// <summary>A record is smaller than this.</summary>
    public const int MaxBytes = 64 * 1024;

    private const int MaxRanges = 1000;
    private const string Magic = "ctree-part 1";

    public byte[] Encode()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Magic}\nlength {Length}\nboot {Boot}\n");
        foreach (var (source, tag) in Tags)
            text.Append(CultureInfo.InvariantCulture, $"tag {source} {tag}\n");
        // Those at the end are the ones that cost least to fetch again.
        foreach (var range in Ranges.Take(MaxRanges))
            text.Append(CultureInfo.InvariantCulture, $"have {range}\n");
        var lines = text.ToString();
        return Encoding.UTF8.GetBytes($"{lines}{Sum(lines)}\n");
    }

    /// <summary>Null for what is no whole record.</summary>
    public static PartRecord? Decode(ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        var end = text.IndexOf("\nsum ", StringComparison.Ordinal) + 1;
        if (end == 0 || !text.AsSpan(end).StartsWith(Sum(text[..end]), StringComparison.Ordinal))
            return null;
        if (text[..(end - 1)].Split('\n') is not [Magic, var length, var boot, .. var rest] ||
            !long.TryParse(After(length, "length "), NumberStyles.None, CultureInfo.InvariantCulture, out var bytesInAll) || After(boot, "boot ") is not { } id)
            return null;
        var tags = rest.Select(line => After(line, "tag ")?.Split(' ', 2)).Where(pair => pair is [_, _]).ToDictionary(pair => pair![0], pair => pair![1]);
        var ranges = rest.Select(line => After(line, "have ")).OfType<string>().Select(Range).ToArray();
        return ranges.All(r => r.From >= 0 && r.Length > 0 && r.To <= bytesInAll) ? new PartRecord(bytesInAll, id, tags, ranges) : null;
    }

    private static string? After(string line, string word) => line.StartsWith(word, StringComparison.Ordinal) ? line[word.Length..] : null;

    private static ByteRange Range(string text) =>
        text.Split('-') is [var from, var to] && long.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out var first) &&
        long.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out var end) ? new ByteRange(first, end) : default;

    private static string Sum(string lines) => $"sum {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(lines)))[..16]}";
}
