using System.Text.RegularExpressions;

namespace ContentTree.Tests.Support;

/// <summary>Test vectors are files: NAME.hex beside NAME.id, and refused-RULE.hex for what a decoder must refuse.</summary>
public static partial class Vectors
{
    public static byte[] Hex(string relative) => FromHex(File.ReadAllText(ProjectFiles.PathOf("Tests/Vectors/" + relative)));

    public static string Text(string relative) => File.ReadAllText(ProjectFiles.PathOf("Tests/Vectors/" + relative)).Trim();

    public static IEnumerable<string> Names(string folder, string pattern) =>
        Directory.GetFiles(ProjectFiles.PathOf("Tests/Vectors/" + folder), pattern).Select(f => Path.GetFileNameWithoutExtension(f)).Order();

    /// <summary>Hex digits with white space and '#' comments.</summary>
    public static byte[] FromHex(string text) => Convert.FromHexString(Noise().Replace(text, ""));

    [GeneratedRegex(@"#.*|\s+")]
    private static partial Regex Noise();
}
