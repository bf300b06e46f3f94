using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace ContentTree.BootFile;

/// <summary>The byte form of a <see cref="BootRecord"/>: docs/format/boot-file.md.</summary>
internal static class BootRecordFormat
{
    public const string NeverWritten = "empty: never written";

    private const int CrcLineSize = 13;
    private const int BodySize = BootRecord.Size - CrcLineSize;

    public static byte[] Encode(BootRecord record)
    {
        var text = new StringBuilder();
        Line(text, "ctree-boot", BootRecord.Version.ToString(CultureInfo.InvariantCulture));
        Line(text, "sequence", record.Sequence.ToString(CultureInfo.InvariantCulture));
        Line(text, "wanted", record.Wanted.ToString());
        Line(text, "previous", record.Previous?.ToString() ?? "");
        Line(text, "state", NameOf(record.State));
        Line(text, "tries", record.TriesLeft.ToString(CultureInfo.InvariantCulture));
        if (record.LastResort is { } lastResort)
            Line(text, "last-resort", lastResort.ToString());

        var bytes = new byte[BootRecord.Size];
        bytes.AsSpan().Fill((byte)'\n');
        Encoding.ASCII.GetBytes(text.ToString(), bytes);
        var crc = "crc=" + Crc32.Of(bytes.AsSpan(0, BodySize)).ToString("x8", CultureInfo.InvariantCulture) + "\n";
        Encoding.ASCII.GetBytes(crc, bytes.AsSpan(BodySize));
        return bytes;
    }

    public static bool TryDecode(ReadOnlySpan<byte> bytes, out BootRecord? record, out string problem)
    {
        record = null;
        problem = CheckBytes(bytes);
        if (problem.Length != 0)
            return false;
        var fields = new BootRecordFields();
        problem = ReadLines(Encoding.ASCII.GetString(bytes[..BodySize]), fields);
        if (problem.Length == 0)
            problem = fields.TryMake(out record);
        return problem.Length == 0;
    }

    public static string NameOf(BootState state) => state switch
    {
        BootState.Trial => "trial",
        BootState.Good => "good",
        BootState.Fallback => "fallback",
        _ => throw new UnreachableException(),
    };

    private static void Line(StringBuilder text, string key, string value) =>
        text.Append(key).Append('=').Append(value).Append('\n');

    private static string CheckBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != BootRecord.Size)
            return $"{bytes.Length} bytes instead of {BootRecord.Size}";
        if (!bytes.ContainsAnyExcept((byte)'\n'))
            return NeverWritten;
        Span<byte> expected = stackalloc byte[CrcLineSize];
        var crc = Crc32.Of(bytes[..BodySize]).ToString("x8", CultureInfo.InvariantCulture);
        Encoding.ASCII.GetBytes("crc=" + crc + "\n", expected);
        if (!bytes[BodySize..].SequenceEqual(expected))
            return "the checksum does not match";
        foreach (var value in bytes)
        {
            if (value is not ((byte)'\n' or (>= 0x20 and <= 0x7e)))
                return "not printable text";
        }
        return "";
    }

    private static string ReadLines(string body, BootRecordFields fields)
    {
        var end = body.IndexOf("\n\n", StringComparison.Ordinal);
        if (end < 0 || body.AsSpan(end).ContainsAnyExcept('\n'))
            return "no padding after the last field";
        var first = true;
        foreach (var range in body.AsSpan(0, end).Split('\n'))
        {
            var line = body.AsSpan(0, end)[range];
            if (!Text.TrySplit(line, out var key, out var value))
                return $"'{Text.Printable(line)}' is no field";
            if (first != key is "ctree-boot")
                return "the version is not in the first line, and only there";
            first = false;
            var problem = fields.Add(key, value);
            if (problem.Length != 0)
                return problem;
        }
        return "";
    }
}
