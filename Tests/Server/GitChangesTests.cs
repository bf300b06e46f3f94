using System.Globalization;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>The next revision of a branch is made of what changed: exactly what reading all of it would give, for less.</summary>
public sealed class GitChangesTests : IDisposable
{
    private const string Git = "set -e; export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@e GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@e GIT_AUTHOR_DATE=@1795232700 GIT_COMMITTER_DATE=@1795232700; git config --global init.defaultBranch main; ";

    // What people do to repositories, at places that are drawn: $1 to $3 are directories or files of a small world, $4 a number.
    private static readonly string[] Deeds =
    [
        "mkdir -p \"$1\"; echo $4 > \"$1/file\"", "mkdir -p \"$1/deep\"; echo $4 > \"$1/deep/$4\"", "rm -rf \"$1\"", "rm -rf \"$1\"; echo $4 > \"$1\"", "rm -rf \"$1\"; ln -s $4 \"$1\"", "rm -f \"$1/file\"",
        "[ ! -f \"$1/file\" ] || chmod +x \"$1/file\"", "mkdir -p \"$1\"; cp /bin/true \"$1/program\"; echo $4 >> \"$1/program\"", "rm -f \"$1/program\"", "mkdir -p \"$1/left\"; echo $4 > \"$1/left/out\"", "mkdir -p \"$1\"; echo $4 > \"$1/$4.tmp\"",
        "mkdir -p \"$1\"; printf 'left/\\n*.tmp\\n!5.tmp\\n' > \"$1/.ctreeignore\"", "rm -f \"$1/.ctreeignore\"", "mkdir -p .ctree; printf '/%s/file mode=0600 owner=%s:7\\n/empty type=directory\\n/a/pipe type=fifo\\n' \"$1\" $4 > .ctree/metadata", "rm -rf .ctree", "git mv -k \"$1\" \"$2\"",
    ];

    private static readonly string[] Places = ["a", "a/b", "a/b/c", "d", "d/e", "empty", "x y", "left"];

    private readonly TemporaryDirectory _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Whatever_a_revision_changes_the_tree_is_the_one_that_reading_all_of_it_gives()
    {
        var random = new Random(20261122);
        Shell.Run(Git + "git init -q repo; cd repo; mkdir -p many d; for i in $(seq 200); do echo $i > many/$i; done; echo o > d/o; git add -A; git commit -qm 0", _temporary.Path);
        foreach (var data in new[] { "changes", "all" })
            await ServerCommand.DoAsync("--data", _temporary[data], "init");
        var spared = 0;
        for (var round = 0; round < 25; round++)
        {
            var script = string.Concat(Enumerable.Range(0, random.Next(1, 6)).Select(_ =>
                $"deed() {{ {Deeds[random.Next(Deeds.Length)]}; }}; deed '{Places[random.Next(Places.Length)]}' '{Places[random.Next(Places.Length)]}' x {random.Next(9)} 2>/dev/null || true; "));
            Shell.Run(Git + $"cd repo; {script} git add -A; git commit -qm '{round}' --allow-empty", _temporary.Path);
            var (changes, all) = (await PublishAsync("changes"), await PublishAsync("all", "--no-cache"));
            (changes.Commit.Tree, changes.Commit.Entries, changes.Commit.Bytes, changes.Commit.Architecture)
                .Should().Be((all.Commit.Tree, all.Commit.Entries, all.Commit.Bytes, all.Commit.Architecture), "round {0}: {1}", round, script);
            spared += changes.Read < all.Read ? 1 : 0;
        }
        spared.Should().BeGreaterThan(10, "rules that changed are the only reason to read all of it");
        (await ServerCommand.DoAsync("--data", _temporary["changes"], "fsck")).Exit.Should().Be(0);
    }

    [Fact]
    public async Task Only_what_changed_is_read_and_a_branch_that_went_elsewhere_is_read_whole()
    {
        Shell.Run(Git + "git init -q repo; cd repo; mkdir many; for i in $(seq 50); do echo $i > many/$i; done; git add -A; git commit -qm 0", _temporary.Path);
        await ServerCommand.DoAsync("--data", _temporary["data"], "init");
        var first = (await PublishAsync("data")).Commit;
        Commit("echo new > many/7");
        (await PublishAsync("data")).Read.Should().Be(1);
        var elsewhere = Directory.CreateDirectory(_temporary["elsewhere"]).FullName;
        await ServerCommand.DoAsync("--data", _temporary["data"], "publish", "--branch", "stable", elsewhere);
        Commit("echo newer > many/7");
        (await PublishAsync("data")).Read.Should().Be(50, "the branch is not at what the state is of");
        Commit("echo newest > many/7; rm many/9");
        (await PublishAsync("data", "--owner", "7:7")).Read.Should().Be(49, "with another owner all is another tree");
        foreach (var state in Directory.GetFiles(_temporary["data/cache"], "git-*"))
            File.WriteAllText(state, "{\"version\":1,\"revision\":\"--output=/tmp/x\"");
        Commit("echo last > many/7");
        (await PublishAsync("data", "--owner", "7:7")).Read.Should().Be(49);
        first.Tree.Should().NotBe(default(ObjectId));
    }

    [Theory]
    [InlineData("git rm -q many/1; git commit -qm next")]
    [InlineData("echo y > sub/.ctreeignore/x; git commit -qam next")]
    [InlineData("c=$(git commit-tree -p HEAD -m next $( (git ls-tree HEAD; printf '040000 tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\tempty\n') | git mktree --missing)); git update-ref HEAD $c")]
    [InlineData("git rm -q 'we\nird/f'; git commit -qm next")]
    [InlineData("git mv many 'we\nird/many'; git commit -qm next")]
    [InlineData("git rm -qr many; echo file > many; git add many; git commit -qm next")]
    [InlineData("git update-index --chmod=+x many/2; git commit -qm next")]
    public async Task What_is_unusual_in_git_is_read_as_all_of_it_is(string script)
    {
        var weird = "we\nird";
        Shell.Run(Git + $"git init -q repo; cd repo; mkdir many $'{weird}'; for i in 1 2 3; do echo $i > many/$i; done; echo '*.tmp' > .ctreeignore; mkdir -p sub/.ctreeignore; echo x > sub/.ctreeignore/x; echo f > $'{weird}/f'; echo k > $'{weird}/k.tmp'; git add -fA; git commit -qm 0", _temporary.Path);
        foreach (var data in new[] { "changes", "all" })
            await ServerCommand.DoAsync("--data", _temporary[data], "init");
        await PublishAsync("changes");
        Shell.Run(Git + $"cd repo; {script.Replace("'we\nird", "$'we\nird", StringComparison.Ordinal)}", _temporary.Path);
        var (changes, all) = (await PublishAsync("changes"), await PublishAsync("all", "--no-cache"));
        changes.Commit.Tree.Should().Be(all.Commit.Tree);
    }

    [Theory]
    [InlineData("b/g", "file")]
    [InlineData("b", "tree")]
    public async Task What_is_missing_here_of_what_did_not_change_is_noticed_and_written_again(string path, string kind)
    {
        Shell.Run(Git + "git init -q repo; cd repo; mkdir a b; echo 1 > a/f; echo 2 > b/g; git add -A; git commit -qm 0", _temporary.Path);
        await ServerCommand.DoAsync("--data", _temporary["data"], "init");
        await PublishAsync("data");
        var listed = System.Text.Json.Nodes.JsonNode.Parse((await ServerCommand.DoAsync("--data", _temporary["data"], "ls", "stable", "-R", "--json")).Out)!;
        var id = (string)listed["entries"]!.AsArray().Single(e => (string)e!["path"]! == path)!["id"]!;
        foreach (var commit in new[] { "echo 3 > a/f", "true" })
        {
            File.Delete(Path.Combine(_temporary["data"], "repo/objects", id[..2], $"{id[2..]}.{kind}"));
            if (commit != "true")
                Commit(commit);
            await PublishAsync("data");
            (await ServerCommand.DoAsync("--data", _temporary["data"], "fsck")).Exit.Should().Be(0);
        }
    }

    [Fact]
    public async Task What_did_not_change_is_looked_for_only_where_something_came_or_went_since()
    {
        Shell.Run(Git + "git init -q repo; cd repo; mkdir a b; echo 1 > a/f; echo 2 > b/g; git add -A; git commit -qm 0", _temporary.Path);
        await ServerCommand.DoAsync("--data", _temporary["data"], "init");
        var unchanged = ((TreeEntry.Directory)Tree((await PublishAsync("data")).Commit.Tree).Find(EntryName.Create("b"u8))!).Id;
        // Damage that only reading it tells of, as fsck does.
        var path = Path.Combine(_temporary["data"], "repo/objects", unchanged.ToString()[..2], $"{unchanged.ToString()[2..]}.tree");
        using (var file = File.OpenWrite(path))
            file.Write("damaged"u8);
        Commit("echo 3 > a/f");
        (await PublishAsync("data")).Read.Should().Be(1);
        await ServerCommand.DoAsync("--data", _temporary["data"], "publish", "--branch", "other", Directory.CreateDirectory(_temporary["elsewhere"]).FullName);
        Commit("echo 4 > a/f");
        (await PublishAsync("data")).Read.Should().Be(2, "something came, so it was looked for, and found damaged");
    }

    [Fact]
    public async Task A_tree_with_a_stamp_is_made_of_what_changed_as_well()
    {
        Shell.Run(Git + "git init -q repo; cd repo; mkdir many; for i in $(seq 9); do echo $i > many/$i; done; git add -A; git commit -qm 0", _temporary.Path);
        foreach (var data in new[] { "data", "all" })
            await ServerCommand.DoAsync("--data", _temporary[data], "init");
        await PublishAsync("data", "--stamp", "/many/version");
        Commit("echo new > many/7");
        var (changes, all) = (await PublishAsync("data", "--stamp", "/many/version"), await PublishAsync("all", "--stamp", "/many/version"));
        (changes.Read, all.Read).Should().Be((1, 9));
        changes.Commit.Tree.Should().Be(all.Commit.Tree);
    }

    [Fact]
    public async Task A_tree_that_is_damaged_here_is_read_whole_and_mended()
    {
        Shell.Run(Git + "git init -q repo; cd repo; mkdir -p a/b; echo 1 > a/b/f; echo 2 > a/b/g; git add -A; git commit -qm 0", _temporary.Path);
        await ServerCommand.DoAsync("--data", _temporary["data"], "init");
        await PublishAsync("data");
        using (var data = DataDirectory.Open(_temporary["data"]))
        {
            foreach (var tree in Directory.GetFiles(Path.Combine(data.Repository.Path, "objects"), "*.tree", SearchOption.AllDirectories))
                File.Delete(tree);
        }
        Commit("echo 3 > a/b/f");
        await PublishAsync("data");
        (await ServerCommand.DoAsync("--data", _temporary["data"], "cat", "stable", "a/b/f")).Out.Should().Be("3\n");
        (await ServerCommand.DoAsync("--data", _temporary["data"], "checkout", "stable", _temporary["out"])).Exit.Should().Be(0);
    }

    private Tree Tree(ObjectId id)
    {
        using var data = DataDirectory.Open(_temporary["data"]);
        return data.Repository.ReadTree(id);
    }

    private void Commit(string script) => Shell.Run(Git + $"cd repo; {script}; git add -A; git commit -qm next", _temporary.Path);

    private async Task<(Commit Commit, int Read)> PublishAsync(string data, params string[] options)
    {
        var published = await ServerCommand.DoAsync(["--data", _temporary[data], "publish", "--branch", "stable", .. options, $"git:{_temporary["repo"]}"]);
        using var opened = DataDirectory.Open(_temporary[data]);
        var read = published.Error[..published.Error.IndexOf(" files read", StringComparison.Ordinal)].Split('\n')[^1];
        return (opened.Repository.ReadCommit(ObjectId.Parse(published.LastLine)), int.Parse(read, CultureInfo.InvariantCulture));
    }
}
