using System.Text;

namespace ContentTree.Deploy.Loaders;

/// <summary>
/// GRUB's environment block: 1024 bytes that GRUB itself overwrites in place, <c>name=value</c> lines filled up with '#'. Our
/// variables go first, so that they are within the first sector.
/// </summary>
internal static class GrubEnvironment
{
    public const int Size = 1024;
    private const string Signature = "# GRUB Environment Block\n";

    /// <exception cref="FormatException">The bytes are no environment block.</exception>
    public static IReadOnlyList<(string Name, string Value)> Parse(ReadOnlySpan<byte> block)
    {
        var text = Encoding.Latin1.GetString(block);
        if (block.Length != Size || !text.StartsWith(Signature, StringComparison.Ordinal))
            throw new FormatException($"{block.Length} bytes that do not begin as a GRUB environment block");
        var variables = new List<(string, string)>();
        foreach (var line in Lines(text[Signature.Length..]))
        {
            if (!line.StartsWith('#') && line.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals)
                variables.Add((line[..equals], line[(equals + 1)..]));
        }
        return variables;
    }

    /// <exception cref="FormatException">They do not fit.</exception>
    public static byte[] Format(IEnumerable<(string Name, string Value)> variables)
    {
        var text = Signature + string.Concat(variables.Select(v => $"{v.Name}={Escaped(v.Value)}\n"));
        if (text.Length > Size)
            throw new FormatException($"a GRUB environment block holds {Size} bytes, and {text.Length} are needed");
        return Encoding.Latin1.GetBytes(text.PadRight(Size, '#'));
    }

    // A backslash keeps the character after it from ending the line.
    private static IEnumerable<string> Lines(string text)
    {
        var line = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length)
                line.Append(text[++i]);
            else if (text[i] != '\n')
                line.Append(text[i]);
            else
            {
                yield return line.ToString();
                line.Clear();
            }
        }
    }

    private static string Escaped(string value) => value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\\n", StringComparison.Ordinal);
}
