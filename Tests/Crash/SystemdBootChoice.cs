using System.Globalization;
using System.IO.Enumeration;
using System.Text.RegularExpressions;

namespace ContentTree.Tests.Crash;

/// <summary>What systemd-boot starts from the files of a boot partition, by its documented rules.</summary>
/// <param name="Entry">The entry's file.</param>
/// <param name="Text">What stands in it.</param>
/// <param name="IsCounted">Its name has a counter.</param>
internal sealed partial record SystemdBootChoice(string Entry, string Text, bool IsCounted)
{
    private const string Place = "loader/entries/";

    /// <summary>The kernel that the entry names, as the agent names it.</summary>
    public string Assets => Name().Match(Entry).Groups["assets"].Value;

    public static SystemdBootChoice Of(FatSight sight)
    {
        var pattern = sight.Texts.GetValueOrDefault("loader/loader.conf", "").Split('\n').FirstOrDefault(line => line.StartsWith("default ", StringComparison.Ordinal))?["default ".Length..].Trim() ?? "";
        // An entry without a kernel that is there is passed over.
        var entries = sight.Texts.Where(file => Name().IsMatch(file.Key) && FilesOf(file.Value).Any(sight.Sums.ContainsKey))
            .OrderBy(file => TriesOf(file.Key) == 0).ThenByDescending(file => VersionOf(file.Value)).ThenByDescending(file => TriesOf(file.Key)).ToArray();
        entries.Should().NotBeEmpty("the loader has something to start; there is {0}", string.Join(", ", sight.Sums.Keys));
        var chosen = entries.FirstOrDefault(file => FileSystemName.MatchesSimpleExpression(pattern, Path.GetFileName(file.Key)), entries[0]);
        return new SystemdBootChoice(chosen.Key, chosen.Value, TriesOf(chosen.Key) is not null);
    }

    /// <summary>The files that an entry names, below the top of the partition.</summary>
    public static IEnumerable<string> FilesOf(string text) =>
        text.Split('\n').Select(line => line.Split(' ', 2)).Where(words => words is ["linux" or "initrd", ['/', ..]]).Select(words => words[1][1..]);

    private static int? TriesOf(string path) =>
        Name().Match(path).Groups["left"] is { Success: true } left ? int.Parse(left.Value, CultureInfo.InvariantCulture) : null;

    private static long VersionOf(string text) =>
        text.Split('\n').FirstOrDefault(line => line.StartsWith("version ", StringComparison.Ordinal)) is { } line ? long.Parse(line["version ".Length..], CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex($@"^{Place}ctree-(?<assets>[0-9a-f]{{32}})(\+(?<left>\d+)(-\d+)?)?\.conf$")]
    private static partial Regex Name();
}
