using System.Text.RegularExpressions;

namespace ContentTree.Tests.Boot;

/// <summary>docs/boot.md tells of every word of the kernel command line, and of none that does not exist.</summary>
public partial class BootPageTests
{
    [Fact]
    public void The_table_of_the_kernel_command_line_names_what_the_code_reads()
    {
        var told = TableWord().Matches(File.ReadAllText(Path.Combine(BootSamples.Repository, "docs/boot.md")))
            .Select(match => match.Groups[1].Value).Distinct();
        var read = new[] { "BootSelector", "BootSelector/BootFile" }.SelectMany(room => Directory.GetFiles(Path.Combine(BootSamples.Repository, room), "*.cs"))
            .SelectMany(path => ReadWord().Matches(File.ReadAllText(path)).Select(match => match.Groups[1].Value)).Distinct();
        told.Should().BeEquivalentTo(read).And.NotBeEmpty();
    }

    [GeneratedRegex(@"^\| `(ctree\.[a-z-]+)", RegexOptions.Multiline)]
    private static partial Regex TableWord();

    [GeneratedRegex(@"(?:commandLine\[|IsSet\(|Seconds\(|this\[)""(ctree\.[a-z-]+)""", RegexOptions.IgnoreCase)]
    private static partial Regex ReadWord();
}
