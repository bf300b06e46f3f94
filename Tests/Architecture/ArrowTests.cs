using System.Xml.Linq;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Architecture;

/// <summary>Four rooms, one direction: docs/architecture.md.</summary>
public sealed class ArrowTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Store/Store.csproj"] = [],
        ["BootSelector/BootFile/BootFile.csproj"] = [],
        ["BootSelector/BootSelector.csproj"] = ["BootSelector/BootFile/BootFile.csproj"],
        ["Deploy/Deploy.csproj"] = ["BootSelector/BootFile/BootFile.csproj", "Store/Store.csproj"],
        ["Server/Server.csproj"] = ["Store/Store.csproj"],
    };

    public static TheoryData<string> Rooms => [.. Allowed.Keys];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_knows_only_whom_it_may(string project)
    {
        var path = ProjectFiles.PathOf(project);
        XDocument.Load(path).Descendants("ProjectReference")
            .Select(r => Path.GetRelativePath(ProjectFiles.Root, Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, r.Attribute("Include")!.Value))))
            .Order().Should().Equal(Allowed[project]);
    }

    [Fact]
    public void Every_project_outside_the_tests_has_its_arrows_listed() =>
        Directory.EnumerateFiles(ProjectFiles.Root, "*.csproj", SearchOption.AllDirectories)
            .Select(p => Path.GetRelativePath(ProjectFiles.Root, p))
            .Where(p => !p.StartsWith("Tests/", StringComparison.Ordinal) && !p.StartsWith('.'))
            .Should().BeEquivalentTo(Allowed.Keys);

    [Theory]
    [InlineData("BootSelector/BootSelector.csproj")]
    [InlineData("BootSelector/BootFile/BootFile.csproj")]
    public void What_runs_before_the_root_has_no_packages(string project) =>
        XDocument.Load(ProjectFiles.PathOf(project)).Descendants("PackageReference").Should().BeEmpty();

    [Fact]
    public void Versions_are_exact_and_in_one_place()
    {
        XDocument.Load(ProjectFiles.PathOf("Directory.Packages.props")).Descendants("PackageVersion")
            .Select(p => p.Attribute("Version")!.Value).Should().OnlyContain(v => v.All(c => char.IsAsciiDigit(c) || c == '.'));
        Directory.EnumerateFiles(ProjectFiles.Root, "*.csproj", SearchOption.AllDirectories)
            .Where(p => !Path.GetRelativePath(ProjectFiles.Root, p).StartsWith('.'))
            .SelectMany(p => XDocument.Load(p).Descendants("PackageReference"))
            .Should().OnlyContain(r => r.Attribute("Version") == null);
    }

    [Theory]
    [InlineData("Store", "DllImport|LibraryImport", "Posix/Libc.cs", "Codecs/CodecLibraries.cs", "Codecs/Lz4Native.cs", "Codecs/ZstdNative.cs", "Codecs/XzNative.cs")]
    [InlineData("Store", "Mono.Unix", "Posix/Posix.cs", "Posix/PosixException.cs", "Posix/PosixMounts.cs")]
    [InlineData("Deploy", "DllImport|LibraryImport|Mono.Unix")]
    [InlineData("Server", "DllImport|LibraryImport|Mono.Unix", "Storage/SqliteDatabase.cs")]
    [InlineData("Server", "Npgsql", "Storage/PostgresDatabase.cs", "Storage/PostgresAddress.cs", "Storage/DatabaseCopy.cs", "Storage/DatabaseTrouble.cs", "Storage/Sql.cs")]
    public void Each_outside_library_is_touched_by_one_place(string room, string words, params string[] allowed)
    {
        var found = Sources(room)
            .Where(f => words.Split('|').Any(File.ReadAllText(f).Contains))
            .Select(f => Path.GetRelativePath(ProjectFiles.PathOf(room), f));
        found.Should().BeSubsetOf(allowed);
    }

    [Fact]
    public void Inside_Store_the_folders_are_layers_too()
    {
        // A folder may use what stands in its own line's right side; the others would turn the layers round.
        var layers = new Dictionary<string, string[]>
        {
            ["Objects"] = ["Trees", "Local", "Repositories", "Trust", "Protocol", "Codecs"],
            ["Codecs"] = ["Trees", "Local", "Repositories", "Trust", "Protocol", "Objects"],
            ["Posix"] = ["Trees", "Local", "Repositories", "Trust", "Protocol", "Codecs", "Objects"],
            ["Repository"] = ["Trust", "Protocol"],
            ["Trees"] = ["Trust", "Protocol"],
            ["Local"] = ["Trust", "Protocol"],
            ["Packs"] = ["Local", "Trust", "Protocol"],
            ["Trust"] = ["Protocol", "Local", "Trees"],
        };
        foreach (var (folder, forbidden) in layers)
        {
            foreach (var file in Sources("Store/" + folder))
            {
                File.ReadLines(file).Should().NotContain(
                    line => forbidden.Any(f => line == $"using ContentTree.Store.{f};"), $"{file} is in {folder}");
            }
        }
    }

    private static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(ProjectFiles.PathOf(folder), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/") && !f.Contains("/bin/"));
}
