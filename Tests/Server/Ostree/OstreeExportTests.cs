using System.Globalization;
using System.Text.RegularExpressions;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server.Ostree;

/// <summary>What is exported, judged by the program ostree: its fsck finds nothing, its checkout is the tree, and an import of it is the same tree.</summary>
[Trait("Category", "Slow")]
public sealed class OstreeExportTests : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();

    public OstreeExportTests()
    {
        using var data = DataDirectory.Create(Data, TimeProvider.System);
    }

    private string Data => _temporary["data"];

    public void Dispose() => _temporary.Dispose();

    [OstreeFact]
    public async Task An_export_is_sound_and_checks_out_and_comes_back_as_the_same_tree()
    {
        OstreeTree.Make(_temporary["tree"]);
        var commit = await PublishAsync("--version", "7.1", "--subject", "Seven", "--created", "@1795232700");
        var exported = await ExportAsync();
        Run("ostree --repo=repo fsck").Should().Contain("no errors found");
        Run("ostree --repo=repo rev-parse stable").Trim().Should().Be(exported.LastLine);
        Run("ostree --repo=repo checkout stable out");
        AwkwardTree.Describe(_temporary["out"]).Should().Be(AwkwardTree.Describe(_temporary["tree"]));
        Run("ostree --repo=repo show --print-metadata-key=version stable").Trim().Should().Be("'7.1'");
        Run("ostree --repo=repo show --print-metadata-key=contenttree.commit stable").Trim().Should().Be($"'{commit.Id}'");
        Run("ostree --repo=repo show stable").Should().Contain("Seven").And.Contain("2026-11-21 03:45:00");
        Run("ostree --repo=repo commit -b judge tree >&2; ostree --repo=repo diff stable judge").Should().BeEmpty();
        Tree("judge").Should().Be(Tree("stable"), "the program names every object as the export does");
        (await ImportAsync("back")).Tree.Should().Be(commit.Tree);
        Directory.GetFileSystemEntries(_temporary["repo/tmp"]).Select(Path.GetFileName).Should().Equal("cache");
    }

    [OstreeFact]
    public async Task Only_what_is_new_is_written_and_history_goes_on()
    {
        Run("mkdir -p tree/a tree/b tree/c; for i in $(seq 50); do echo $i > tree/a/$i; echo b$i > tree/b/$i; done; echo c > tree/c/f");
        await PublishAsync();
        var first = await ExportAsync();
        Written(first).Should().Be(101 + 4 + 1 + 1, "files, directories, one metadata, the commit");
        var again = await ExportAsync();
        again.Error.Should().Contain("nothing new");
        again.LastLine.Should().Be(first.LastLine);
        Run("echo new > tree/b/7");
        await PublishAsync();
        var second = await ExportAsync();
        Written(second).Should().Be(1 + 2 + 1, "the file, b and the root, the commit");
        Run("ostree --repo=repo rev-parse stable^").Trim().Should().Be(first.LastLine);
        Run("ostree --repo=repo fsck").Should().Contain("no errors found");
        // A repository that another data directory made, and one whose cache is lost.
        File.Delete(Path.Combine(Data, "cache/ostree.db"));
        Written(await ExportAsync("--ref", "other/name")).Should().Be(1);
        Run("ostree --repo=repo diff stable other/name").Should().BeEmpty();
    }

    [OstreeFact]
    public async Task What_somebody_took_away_is_written_again()
    {
        Run("mkdir -p tree/a tree/b; echo 1 > tree/a/f; echo 2 > tree/b/f");
        await PublishAsync();
        await ExportAsync();
        Run("rm repo/refs/heads/stable; ostree --repo=repo prune --refs-only");
        await ExportAsync();
        Run("ostree --repo=repo fsck").Should().Contain("no errors found");
        Run("rm $(find repo/objects -name '*.filez' | head -1); rm repo/refs/heads/stable");
        await ExportAsync();
        Run("ostree --repo=repo fsck").Should().Contain("no errors found");
    }

    [OstreeFact]
    public async Task An_import_that_is_exported_again_has_the_checksums_it_came_with()
    {
        OstreeTree.Make(_temporary["tree"]);
        Run("ostree --repo=upstream init --mode=archive; ostree --repo=upstream commit -b main -s 'Upstream' --timestamp=@1795232700 tree");
        await ServerCommand.DoAsync("--data", Data, "import", "ostree", _temporary["upstream"], "--branch", "stable");
        await ExportAsync("--ref", "main");
        Tree("main").Should().Be(Tree("main", "upstream"));
    }

    [OstreeTheory]
    [InlineData("mknod tree/d/node c 1 3", "/d/node", "device node")]
    [InlineData("mkfifo tree/d/pipe", "/d/pipe", "pipe")]
    [InlineData("printf x > tree/d/$(printf 'not\\377utf8')", @"/d/not\xffutf8", "not UTF-8")]
    [InlineData("ln -s $(printf 'not\\377utf8') tree/d/link", "/d/link", "not UTF-8")]
    public async Task What_ostree_cannot_hold_is_refused_by_path_and_nothing_moves(string script, string path, string reason)
    {
        Run("mkdir -p tree/d; echo 1 > tree/d/f");
        await PublishAsync();
        var before = (await ExportAsync()).LastLine;
        Run(script);
        await PublishAsync();
        var refused = await ServerCommand.RunAsync("--data", Data, "export", "ostree", "--branch", "stable", _temporary["repo"]);
        refused.Exit.Should().Be(1);
        refused.Error.Should().ContainEquivalentOf(path).And.Contain(reason).And.NotContain("bug");
        Run("ostree --repo=repo rev-parse stable").Trim().Should().Be(before);
        Run("ostree --repo=repo fsck").Should().Contain("no errors found");
    }

    [OstreeFact]
    public async Task What_is_no_archive_is_left_alone()
    {
        Run("mkdir -p tree full; echo 1 > tree/f; echo 1 > full/f; ostree --repo=bare init --mode=bare");
        await PublishAsync();
        foreach (var (place, reason) in new[] { ("full", "neither empty nor"), ("bare", "bare form") })
        {
            var refused = await ServerCommand.RunAsync("--data", Data, "export", "ostree", "--branch", "stable", _temporary[place]);
            refused.Exit.Should().Be(1);
            refused.Error.Should().Contain(reason);
        }
        (await ServerCommand.RunAsync("--data", Data, "export", "ostree", "--branch", "none", _temporary["new"])).Exit.Should().Be(17);
        Directory.GetFileSystemEntries(_temporary["full"]).Should().HaveCount(1);
    }

    [OstreeFact]
    public async Task What_a_killed_export_left_is_gone_after_the_next_one()
    {
        Run("mkdir tree; echo 1 > tree/f");
        await PublishAsync();
        await ExportAsync();
        Run("mkdir -p repo/tmp/ctree-export; echo half > repo/tmp/ctree-export/7");
        await ExportAsync();
        Directory.GetFileSystemEntries(_temporary["repo/tmp"]).Select(Path.GetFileName).Should().Equal("cache");
    }

    private static long Written(ServerCommand exported) =>
        long.Parse(Regex.Match(exported.Error, @"(\d+) new objects").Groups[1].Value, CultureInfo.InvariantCulture);

    private string Tree(string reference, string repository = "repo") =>
        string.Join(' ', Run($"ostree --repo={repository} ls -C {reference} /").Split('\n')[0].Split(' ').Where(w => w.Length == 64));

    private async Task<Commit> PublishAsync(params string[] words) =>
        Read(await ServerCommand.DoAsync(["--data", Data, "publish", "--branch", "stable", _temporary["tree"], .. words]));

    private async Task<Commit> ImportAsync(string branch) =>
        Read(await ServerCommand.DoAsync("--data", Data, "import", "ostree", _temporary["repo"], "--ref", "stable", "--branch", branch));

    private Task<ServerCommand> ExportAsync(params string[] words) =>
        ServerCommand.DoAsync(["--data", Data, "export", "ostree", "--branch", "stable", _temporary["repo"], .. words]);

    private Commit Read(ServerCommand published)
    {
        using var data = DataDirectory.Open(Data);
        return data.Repository.ReadCommit(ObjectId.Parse(published.LastLine));
    }

    private string Run(string script) => Shell.Run("set -e; export TZ=UTC; " + script, _temporary.Path);
}
