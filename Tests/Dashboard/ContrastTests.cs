using System.Globalization;
using System.Text.RegularExpressions;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Dashboard;

/// <summary>Whoever sees little reads it all the same: each text of the style sheet stands out from what is behind it, as WCAG 2 counts, by light and by dark.</summary>
public sealed partial class ContrastTests
{
    private const double Enough = 4.5;

    // What text stands on that has no ground of its own.
    private static readonly string[] Grounds = ["ground", "card", "soft"];

    private readonly string _sheet = CommentPattern().Replace(File.ReadAllText(ProjectFiles.PathOf("Server/Dashboard/Assets/dashboard.css")), "");

    [Fact]
    public void Each_text_stands_out_from_its_ground_in_both_schemes()
    {
        var dark = _sheet.IndexOf("@media (prefers-color-scheme: dark)", StringComparison.Ordinal);
        var rest = _sheet.IndexOf("* { box-sizing", StringComparison.Ordinal);
        var byLight = ColoursOf(_sheet[..dark]);
        var byDark = new Dictionary<string, string>(byLight);
        foreach (var (name, colour) in ColoursOf(_sheet[dark..rest]))
            byDark[name] = colour;

        var pairs = PairsOf(_sheet[rest..]);

        pairs.Should().Contain([("good", "good-soft"), ("quiet", "soft"), ("accent-ink", "accent")], "these are there to be looked at");
        foreach (var (scheme, colours) in new[] { ("light", byLight), ("dark", byDark) })
        {
            foreach (var (text, ground) in pairs)
                Ratio(colours[text], colours[ground]).Should().BeGreaterThanOrEqualTo(Enough, $"{text} on {ground} by {scheme}");
        }
    }

    [Theory]
    [InlineData("#000000", "#ffffff", 21)]
    [InlineData("#777777", "#ffffff", 4.478)]
    [InlineData("#ffffff", "#ff0000", 3.998)]
    public void The_ratio_is_that_of_the_guidelines(string text, string ground, double ratio) => Ratio(text, ground).Should().BeApproximately(ratio, 0.001);

    private static Dictionary<string, string> ColoursOf(string rules) => ColourPattern().Matches(rules).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);

    private static HashSet<(string Text, string Ground)> PairsOf(string rules)
    {
        var pairs = new HashSet<(string, string)>();
        foreach (var body in RulePattern().Matches(rules).Select(m => m.Groups[1].Value))
        {
            if (TextPattern().Match(body) is not { Success: true } text)
                continue;
            foreach (var ground in GroundPattern().Match(body) is { Success: true } own ? [own.Groups[1].Value] : Grounds)
                pairs.Add((text.Groups[1].Value, ground));
        }
        return pairs;
    }

    private static double Ratio(string one, string other)
    {
        var (a, b) = (Luminance(one), Luminance(other));
        return (Math.Max(a, b) + 0.05) / (Math.Min(a, b) + 0.05);
    }

    private static double Luminance(string colour)
    {
        var parts = Enumerable.Range(0, 3).Select(i => int.Parse(colour.AsSpan(1 + 2 * i, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) / 255.0)
            .Select(part => part <= 0.04045 ? part / 12.92 : Math.Pow((part + 0.055) / 1.055, 2.4)).ToArray();
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    }

    [GeneratedRegex(@"/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex CommentPattern();

    [GeneratedRegex(@"--([\w-]+):\s*(#[0-9a-f]{6})\b")]
    private static partial Regex ColourPattern();

    [GeneratedRegex(@"\{([^{}]*)\}")]
    private static partial Regex RulePattern();

    [GeneratedRegex(@"(?<![\w-])color:\s*var\(--([\w-]+)\)")]
    private static partial Regex TextPattern();

    [GeneratedRegex(@"(?<![\w-])background:\s*var\(--([\w-]+)\)")]
    private static partial Regex GroundPattern();
}
