using System.Text;

namespace ContentTree.Server.Packages;

/// <summary>Databases of text: a stanza for each package, lines of <c>key: value</c>, an empty line between two. Never fails: what is no stanza is none.</summary>
internal static class StanzaFile
{
    private const int MaxPackages = 200_000;
    private const int MaxText = 1024;

    /// <summary>A status file of dpkg or opkg: what is not installed is left out.</summary>
    public static IEnumerable<InstalledPackage> Control(byte[] bytes, string kind) => Stanzas(bytes)
        .Where(s => !s.TryGetValue("Status", out var status) || status.EndsWith(" installed", StringComparison.Ordinal))
        .Select(s => Package(kind, s, "Package", "Version", "Architecture")).OfType<InstalledPackage>();

    /// <summary>The list of installed packages that apk keeps.</summary>
    public static IEnumerable<InstalledPackage> Apk(byte[] bytes) =>
        Stanzas(bytes).Select(s => Package("apk", s, "P", "V", "A")).OfType<InstalledPackage>();

    private static InstalledPackage? Package(string kind, Dictionary<string, string> stanza, string name, string version, string architecture) =>
        stanza.TryGetValue(name, out var n) && stanza.TryGetValue(version, out var v) && n.Length > 0 && v.Length > 0
            ? new InstalledPackage(kind, n, v, stanza.GetValueOrDefault(architecture, ""))
            : null;

    private static IEnumerable<Dictionary<string, string>> Stanzas(byte[] bytes)
    {
        using var lines = new StreamReader(new MemoryStream(bytes), Encoding.UTF8);
        var stanza = new Dictionary<string, string>(StringComparer.Ordinal);
        var count = 0;
        while (lines.ReadLine() is { } line && count < MaxPackages)
        {
            if (line.Length == 0 && stanza.Count > 0)
            {
                count++;
                yield return stanza;
                stanza = new Dictionary<string, string>(StringComparer.Ordinal);
            }
            // A line that goes on is of a description; a key that comes twice, as in apk's lists of files, is none of ours.
            else if (line.Length is > 0 and <= MaxText && line[0] is not (' ' or '\t') && line.IndexOf(':', StringComparison.Ordinal) is var colon and > 0)
                stanza.TryAdd(line[..colon], Printable(line[(colon + 1)..].Trim()));
        }
        if (stanza.Count > 0)
            yield return stanza;
    }

    // It ends up on terminals and in other programs' reports.
    private static string Printable(string text) => string.Concat(text.Where(c => !char.IsControl(c)));
}
