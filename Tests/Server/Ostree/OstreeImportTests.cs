using System.Net;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server.Ostree;

/// <summary>What the program ostree has committed, imported: the same tree as the directory itself, whatever kind of repository it is in.</summary>
[Trait("Category", "Slow")]
public sealed class OstreeImportTests : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();

    public OstreeImportTests()
    {
        using var data = DataDirectory.Create(Data, TimeProvider.System);
    }

    private string Data => _temporary["data"];

    public void Dispose() => _temporary.Dispose();

    [OstreeTheory]
    [InlineData("archive")]
    [InlineData("bare")]
    [InlineData("bare-user")]
    public async Task A_committed_tree_comes_out_as_it_went_in(string mode)
    {
        OstreeTree.Make(_temporary["tree"]);
        Run($"ostree --repo=repo init --mode={mode}; ostree --repo=repo commit -b main tree");
        var imported = await ImportAsync("repo");
        await ServerCommand.DoAsync("--data", Data, "publish", "--branch", "directory", _temporary["tree"]);
        imported.Tree.Should().Be(Commit("directory").Tree);
        await ServerCommand.DoAsync("--data", Data, "checkout", "stable", _temporary["out"]);
        AwkwardTree.Describe(_temporary["out"]).Should().Be(AwkwardTree.Describe(_temporary["tree"]));
        (imported.Entries, imported.Bytes, imported.Architecture).Should().Be((Commit("directory").Entries, Commit("directory").Bytes, Commit("directory").Architecture));
    }

    [OstreeFact]
    public async Task A_repository_without_owners_gives_roots_files()
    {
        Run("mkdir -p tree/d; printf x > tree/d/f; chmod 711 tree/d; ln -s f tree/d/l; ostree --repo=repo init --mode=bare-user-only; ostree --repo=repo commit -b main --canonical-permissions tree");
        var imported = await ImportAsync("repo");
        Run("chown -Rh 0:0 tree");
        await ServerCommand.DoAsync("--data", Data, "publish", "--branch", "directory", _temporary["tree"]);
        imported.Tree.Should().Be(Commit("directory").Tree);
    }

    [OstreeFact]
    public async Task The_commit_says_where_it_came_from_and_importing_it_again_publishes_nothing()
    {
        Run("""
            mkdir tree; printf 1 > tree/f; ostree --repo=repo init --mode=archive
            ostree --repo=repo commit -b a/main -s 'What changed' -m $'More\nabout it' --timestamp=@1795232700 --add-metadata-string=version=41.2 tree
            """);
        var commit = await ImportAsync("repo");
        commit.Source.Should().Be(new CommitSource(CommitSourceKind.Ostree, _temporary["repo"], Run("ostree --repo=repo rev-parse a/main").Trim()));
        (commit.Version, commit.Subject, commit.Body, commit.Annotations["source.created"]).Should().Be(("41.2", "What changed", "More\nabout it", "2026-11-21T03:45:00Z"));
        var again = await ServerCommand.DoAsync("--data", Data, "import", "ostree", _temporary["repo"], "--branch", "stable");
        again.Error.Should().Contain("nothing new");
        again.LastLine.Should().Be(commit.Id.ToString());
        (await ServerCommand.DoAsync("--data", Data, "log", "stable")).Out.Should().Contain("What changed");
        (await ImportAsync("repo", "--branch", "named", "--version", "mine", "--subject", "own words")).Should().Match<Commit>(c => c.Version == "mine" && c.Subject == "own words");
    }

    [OstreeFact]
    public async Task A_branch_mirrors_what_a_server_publishes_and_asks_only_for_what_is_new()
    {
        Run("mkdir -p tree/a tree/b tree/c; for i in $(seq 50); do echo $i > tree/a/$i; echo b$i > tree/b/$i; done; echo c1 > tree/c/f; ostree --repo=repo init --mode=archive; ostree --repo=repo commit -b os/main tree");
        await using var server = StaticServer.Start(_temporary["repo"]);
        var first = await ImportAsync(server.Address, "--ref", "os/main");
        first.Source.Url.Should().Be(server.Address);
        server.Requests.Count(r => r.EndsWith(".filez", StringComparison.Ordinal)).Should().Be(101);
        Run("echo new > tree/b/7; mv tree/b/8 tree/b/08; ostree --repo=repo commit -b os/main tree");
        server.Requests.Clear();
        await ImportAsync(server.Address, "--ref", "os/main");
        server.Requests.Count(r => r.EndsWith(".filez", StringComparison.Ordinal)).Should().Be(1);
        server.Requests.Count(r => r.EndsWith(".dirtree", StringComparison.Ordinal)).Should().Be(2, "the root and b");
        (await ServerCommand.DoAsync("--data", Data, "cat", "stable", "b/7")).Out.Should().Be("new\n");
        (await ServerCommand.DoAsync("--data", Data, "cat", "stable", "b/08")).Out.Should().Be("b8\n");
        await ServerCommand.DoAsync("--data", Data, "fsck");
        server.Requests.Clear();
        await ImportAsync(server.Address, "--ref", "os/main");
        server.Requests.Should().HaveCount(3, "config, ref and commit");
    }

    [OstreeFact]
    public async Task A_server_that_hides_its_refs_lists_them_in_a_summary()
    {
        Run("mkdir tree; echo 1 > tree/f; ostree --repo=repo init --mode=archive; ostree --repo=repo commit -b os/main tree; ostree --repo=repo summary -u; mv repo/refs away");
        await using var server = StaticServer.Start(_temporary["repo"]);
        await ImportAsync(server.Address);
        var unknown = await ServerCommand.RunAsync("--data", Data, "import", "ostree", server.Address, "--ref", "os/other", "--branch", "other");
        unknown.Exit.Should().Be(17, unknown.Error);
        unknown.Error.Should().Contain("os/other");
    }

    [OstreeFact]
    public async Task What_is_lost_of_the_cache_or_of_the_repository_is_read_again()
    {
        Run("mkdir -p tree/a tree/b; echo 1 > tree/a/f; echo 2 > tree/b/f; ostree --repo=repo init --mode=archive; ostree --repo=repo commit -b main tree");
        var first = await ImportAsync("repo");
        // What a garbage collection may leave: trees without what is below them.
        await ServerCommand.DoAsync("--data", Data, "branch", "delete", "stable");
        File.Delete(Path.Combine(Data, "repo", new ObjectName(ObjectKind.File, ObjectId.Of("2\n"u8)).RelativePath));
        (await ImportAsync("repo")).Tree.Should().Be(first.Tree);
        await ServerCommand.DoAsync("--data", Data, "fsck");
        File.WriteAllText(Path.Combine(Data, "cache/ostree.db"), "no database at all, but long enough to be taken for one: " + new string('x', 4096));
        foreach (var side in Directory.GetFiles(Path.Combine(Data, "cache"), "ostree.db-*"))
            File.Delete(side);
        (await ImportAsync("repo", "--branch", "third")).Tree.Should().Be(first.Tree);
    }

    [OstreeFact]
    public async Task Refs_and_commits_are_found_by_name_or_refused()
    {
        Run("""
            mkdir tree; ostree --repo=repo init --mode=archive; ostree --repo=other init --mode=archive
            echo 1 > tree/f; ostree --repo=repo commit -b one tree; echo 2 > tree/f; ostree --repo=repo commit -b two tree
            ostree --repo=other remote add --no-gpg-verify far file://$PWD/repo; ostree --repo=other pull far one
            """);
        var unnamed = await ServerCommand.RunAsync("--data", Data, "import", "ostree", _temporary["repo"], "--branch", "stable");
        unnamed.Exit.Should().Be(17);
        unnamed.Error.Should().Contain("one, two");
        (await ServerCommand.RunAsync("--data", Data, "import", "ostree", _temporary["repo"], "--ref", "three", "--branch", "stable")).Exit.Should().Be(17);
        (await ServerCommand.RunAsync("--data", Data, "import", "ostree", _temporary["gone"], "--ref", "one", "--branch", "stable")).Exit.Should().Be(13);
        (await ServerCommand.RunAsync("--data", Data, "import", "ostree", _temporary["repo"], "--ref", "../one", "--branch", "stable")).Exit.Should().Be(2);
        (await ServerCommand.RunAsync("--data", Data, "import", "ostree", "http://127.0.0.1:1", "--ref", "one", "--branch", "stable")).Exit.Should().Be(13);
        var two = Run("ostree --repo=repo rev-parse two").Trim();
        (await ImportAsync("repo", "--ref", two)).Source.Revision.Should().Be(two);
        (await ImportAsync("other", "--ref", "far:one")).Source.Revision.Should().Be(Run("ostree --repo=repo rev-parse one").Trim());
        var expected = await ServerCommand.RunAsync("--data", Data, "import", "ostree", _temporary["repo"], "--ref", "one", "--expect", two, "--branch", "stable");
        expected.Exit.Should().Be(14);
        expected.Error.Should().Contain(two);
        await ImportAsync("repo", "--ref", "two", "--expect", two);
    }

    [OstreeFact]
    public async Task What_came_before_a_server_failed_is_not_asked_for_again()
    {
        Run("mkdir tree; for i in $(seq 40); do echo $i > tree/$i; done; mkdir tree/z; echo last > tree/z/f; ostree --repo=repo init --mode=archive; ostree --repo=repo commit -b main tree");
        var last = Run("ostree --repo=repo ls -C main /z/f | tr ' ' '\\n' | grep -E '^[0-9a-f]{64}$'").Trim();
        await using var server = StaticServer.Start(_temporary["repo"]);
        server.Answer = path => path.Contains(last[2..], StringComparison.Ordinal) ? HttpStatusCode.ServiceUnavailable : null;
        var failed = await ServerCommand.RunAsync("--data", Data, "import", "ostree", server.Address, "--ref", "main", "--branch", "stable");
        failed.Exit.Should().Be(13, failed.Error);
        failed.Error.Should().Contain("503");
        (await ServerCommand.DoAsync("--data", Data, "branch", "list")).Out.Should().NotContain("stable");
        server.Answer = _ => null;
        server.Requests.Clear();
        await ImportAsync(server.Address, "--ref", "main");
        server.Requests.Count(r => r.EndsWith(".filez", StringComparison.Ordinal)).Should().Be(1);
    }

    [OstreeFact]
    public async Task A_name_and_password_go_to_the_server_and_nowhere_else()
    {
        Run("mkdir tree; echo 1 > tree/f; ostree --repo=repo init --mode=archive; ostree --repo=repo commit -b main tree");
        await using var server = StaticServer.Start(_temporary["repo"]);
        server.Password = "anna:secret word";
        (await ServerCommand.RunAsync("--data", Data, "import", "ostree", server.Address, "--ref", "main", "--branch", "stable")).Exit.Should().Be(13);
        var commit = await ImportAsync(server.Address.Replace("http://", "http://anna:secret%20word@", StringComparison.Ordinal), "--ref", "main");
        commit.Source.Url.Should().Be(server.Address);
    }

    private async Task<Commit> ImportAsync(string repository, params string[] words)
    {
        string[] branch = words.Contains("--branch") ? [] : ["--branch", "stable"];
        var imported = await ServerCommand.DoAsync(["--data", Data, "import", "ostree", repository.Contains("://", StringComparison.Ordinal) ? repository : _temporary[repository], .. branch, .. words]);
        using var data = DataDirectory.Open(Data);
        return data.Repository.ReadCommit(ObjectId.Parse(imported.LastLine));
    }

    private Commit Commit(string branch)
    {
        using var data = DataDirectory.Open(Data);
        return data.Repository.ReadCommit(new ContentTree.Server.Publishing.Branches(data, TimeProvider.System).ReadHead(BranchName.Parse(branch)).Commit);
    }

    private string Run(string script) => Shell.Run("set -e; " + script, _temporary.Path);
}
