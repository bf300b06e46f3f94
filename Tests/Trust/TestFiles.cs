namespace ContentTree.Tests.Trust;

/// <summary>Files of the work tree that tests read: vectors and pages.</summary>
internal static class TestFiles
{
    public static string Root { get; } = FindRoot();

    public static string Page(string path) => File.ReadAllText(Path.Combine(Root, "docs", path));

    public static byte[] Vector(string folder, string name) => File.ReadAllBytes(Path.Combine(Root, "Tests/Vectors", folder, name));

    public static string VectorText(string folder, string name) =>
        File.ReadAllText(Path.Combine(Root, "Tests/Vectors", folder, name)).TrimEnd('\n');

    /// <summary>Names without extension of the vectors that match.</summary>
    public static TheoryData<string> Names(string folder, string pattern)
    {
        var files = Directory.GetFiles(Path.Combine(Root, "Tests/Vectors", folder), pattern);
        files.Should().NotBeEmpty();
        return [.. files.Select(f => Path.GetFileNameWithoutExtension(f)).Order(StringComparer.Ordinal)];
    }

    /// <summary>The rows of the table whose header has this first column, as trimmed cells without back-quotes.</summary>
    public static IReadOnlyList<string[]> Table(string page, string firstColumn)
    {
        var rows = page.Split('\n').SkipWhile(l => !l.StartsWith($"| {firstColumn} |", StringComparison.Ordinal)).Skip(2)
            .TakeWhile(l => l.StartsWith('|')).Select(l => l.Trim('|').Split('|').Select(c => c.Trim().Trim('`')).ToArray()).ToList();
        rows.Should().NotBeEmpty($"the page has a table of {firstColumn}");
        return rows;
    }

    /// <summary>The first fenced block of this language after a heading.</summary>
    public static string Block(string page, string heading, string language)
    {
        var at = page.IndexOf($"\n{heading}\n", StringComparison.Ordinal);
        at.Should().BePositive($"the page has the heading {heading}");
        var fence = $"\n```{language}\n";
        var start = page.IndexOf(fence, at, StringComparison.Ordinal) + fence.Length;
        return page[start..page.IndexOf("\n```", start, StringComparison.Ordinal)];
    }

    private static string FindRoot()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "ContentTree.sln")))
            directory = Path.GetDirectoryName(directory) ?? throw new DirectoryNotFoundException("ContentTree.sln is nowhere above the tests");
        return directory;
    }
}
