using ContentTree.Server.Publishing.Sources.Git;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Trees;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>Revisions of real git repositories, published out of mirrors; what git would do for a stranger is refused.</summary>
public sealed class GitSourceTests : IDisposable
{
    private const string Git = "export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME='Anna Arbor' GIT_AUTHOR_EMAIL=anna@example.org GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@e GIT_AUTHOR_DATE=@1795232700 GIT_COMMITTER_DATE=@1795232700; git config --global init.defaultBranch main; git config --global protocol.file.allow always; ";

    private readonly TemporaryDirectory _temporary = new();

    public GitSourceTests()
    {
        using var data = DataDirectory.Create(Data, TimeProvider.System);
        Run("""
            git init -q repo; cd repo; mkdir -p bin etc/deep; printf '#!/bin/sh\n' > bin/run; chmod 755 bin/run; printf one > etc/deep/value; ln -s ../bin/run etc/link
            printf x > "$(printf 'not\377utf8')"; head -c 3000000 /dev/zero > large
            git add -A; git commit -qm 'First light' ; git tag v1.0; printf two > etc/deep/value; git commit -qam 'Second light'; git checkout -q -b test; printf three > etc/deep/value; git commit -qam 'Third'; git checkout -q main
            """);
    }

    private string Data => _temporary["data"];

    private const string Named = "git update-ref HEAD $(git commit-tree -m evil $(printf '100644 blob %s\\t%s\\n' $(echo x | git hash-object -w --stdin) \"$n\" | git mktree))";

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData("", "two", "Second light", "main")]
    [InlineData("#main", "two", "Second light", "main")]
    [InlineData("#test", "three", "Third", "test")]
    [InlineData("#v1.0", "one", "First light", "v1.0")]
    [InlineData("#refs/tags/v1.0", "one", "First light", "v1.0")]
    public async Task A_branch_a_tag_or_the_default_branch_is_published_with_its_provenance(string revision, string value, string subject, string sameAs)
    {
        var commit = await PublishAsync("repo" + revision);
        (await ServerCommand.DoAsync("--data", Data, "cat", "stable", "etc/deep/value")).Out.Should().Be(value);
        var sha = Run($"git -C repo rev-parse {sameAs}^{{commit}}").Trim();
        var describe = Run($"git -C repo describe --tags --always --abbrev=12 {sha}").Trim();
        commit.Source.Should().Be(new CommitSource(CommitSourceKind.Git, _temporary["repo"], sha, describe));
        (commit.Subject, commit.Annotations["source.author"]).Should().Be((subject, "Anna Arbor <anna@example.org>"));
        (await ServerCommand.DoAsync("--data", Data, "show", "stable")).Out.Should().Contain(sha).And.Contain($"git {_temporary["repo"]}").And.Contain("Anna Arbor <anna@example.org>");
    }

    [Fact]
    public async Task The_tree_is_what_git_checks_out_with_everything_roots()
    {
        var fromGit = await PublishAsync("repo");
        Run("mkdir out; git -C repo archive main | tar --numeric-owner --no-same-owner -xf - -C out; find out -type d -exec chmod 755 {} +; find out -type f -perm /111 -exec chmod 755 {} +; find out -type f ! -perm /111 -exec chmod 644 {} +");
        var published = await ServerCommand.DoAsync("--data", Data, "publish", "--branch", "directory", "--owner", "0:0", _temporary["out"]);
        using var data = DataDirectory.Open(Data);
        data.Repository.ReadCommit(ObjectId.Parse(published.LastLine)).Tree.Should().Be(fromGit.Tree);
    }

    [Fact]
    public async Task Any_commit_can_be_published_also_by_its_first_digits_and_when_the_repository_is_gone()
    {
        var sha = Run("git -C repo rev-parse v1.0").Trim();
        await PublishAsync("repo#" + sha[..8]);
        Run("mv repo away");
        (await PublishAsync("repo#" + sha)).Source.Revision.Should().Be(sha);
        var gone = await ServerCommand.RunAsync("--data", Data, "publish", "--branch", "stable", $"git:{_temporary["repo"]}#main");
        gone.Exit.Should().Be(13, gone.Error);
        gone.Error.Should().Contain("nothing was changed");
        (await ServerCommand.DoAsync("--data", Data, "cat", "stable", "etc/deep/value")).Out.Should().Be("one");
    }

    [Fact]
    public async Task A_diff_leads_to_the_git_commits_between_both_ways()
    {
        await PublishAsync("repo#v1.0");
        var first = (await ServerCommand.DoAsync("--data", Data, "log", "stable")).Out.Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        await PublishAsync("repo#test");

        var diff = await ServerCommand.RunAsync("--data", Data, "diff", first, "stable");

        diff.Out.Trim().Should().Be("M /etc/deep/value");
        diff.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line[0] + line[(line.IndexOf("Z ", StringComparison.Ordinal) + 1)..])
            .Should().Equal("+ Anna Arbor: Third", "+ Anna Arbor: Second light");
        (await ServerCommand.RunAsync("--data", Data, "diff", "stable", first)).Error.Should().Contain("- ").And.Contain("Third").And.NotContain("+ ");
        var revisions = System.Text.Json.Nodes.JsonNode.Parse((await ServerCommand.RunAsync("--data", Data, "diff", first, "stable", "--json")).Out)!["revisions"]!.AsArray();
        revisions[0]!["revision"]!.GetValue<string>().Should().Be(Run("git -C repo rev-parse test").Trim());
        Run("rm -rf data/mirrors");
        (await ServerCommand.RunAsync("--data", Data, "diff", first, "stable")).Error.Should().BeEmpty();
    }

    [Fact]
    public async Task A_branch_that_was_moved_by_force_is_what_it_is_now()
    {
        await PublishAsync("repo");
        Run("cd repo; git reset -q --hard v1.0; printf other > etc/deep/value; git commit -qam Other");
        await PublishAsync("repo");
        (await ServerCommand.DoAsync("--data", Data, "cat", "stable", "etc/deep/value")).Out.Should().Be("other");
    }

    [Fact]
    public async Task An_unknown_revision_is_not_found_and_an_ambiguous_one_asked_about()
    {
        (await ServerCommand.RunAsync("--data", Data, "publish", "--branch", "stable", $"git:{_temporary["repo"]}#none")).Exit.Should().Be(17);
        Run("git -C repo branch twice v1.0; git -C repo tag twice main");
        var twice = await ServerCommand.RunAsync("--data", Data, "publish", "--branch", "stable", $"git:{_temporary["repo"]}#twice");
        twice.Exit.Should().Be(1);
        twice.Error.Should().Contain("refs/heads/twice");
    }

    [Fact]
    public async Task Submodules_come_at_their_recorded_commits()
    {
        Run("""
            git init -q inner; cd inner; printf 1 > part; git add -A; git commit -qm 1; cd ..
            cd repo; git submodule --quiet add ../inner parts/inner; git commit -qm 'With a part'; cd ../inner; printf 2 > part; git commit -qam 2
            """);
        await PublishAsync("repo");
        (await ServerCommand.DoAsync("--data", Data, "cat", "stable", "parts/inner/part")).Out.Should().Be("1");
    }

    [Fact]
    public async Task Hooks_filters_and_programs_that_a_repository_names_are_not_run()
    {
        var mark = _temporary["ran"];
        var tell = $"#!/bin/sh\ntouch '{mark}'\nexit 0\n";
        Directory.CreateDirectory(_temporary["hooks"]);
        foreach (var hook in new[] { "pre-commit", "post-checkout", "post-merge", "reference-transaction", "pre-receive", "post-update", "fsmonitor-watchman", "tell" })
        {
            File.WriteAllText(Path.Combine(_temporary["hooks"], hook), tell);
        }
        Run("chmod 755 hooks/*");
        var program = Path.Combine(_temporary["hooks"], "tell");
        Run($"""
            cd repo; printf '* filter=tell diff=tell\n' > .gitattributes; git add -A; git commit -qm attributes
            git config core.hooksPath '{_temporary["hooks"]}'; git config core.fsmonitor '{program}'; git config core.sshCommand '{program}'; git config uploadpack.packObjectsHook '{program}'
            git config filter.tell.smudge '{program}'; git config filter.tell.clean '{program}'; git config diff.tell.textconv '{program}'; git config core.pager '{program}'; git config core.alternateRefsCommand '{program}'
            """);
        await PublishAsync("repo");
        File.Exists(mark).Should().BeFalse("nothing of it is ours to run");
        Run("cd repo; git commit -q --allow-empty -m control");
        File.Exists(mark).Should().BeTrue("a person who works there does run them");
    }

    [Theory]
    [InlineData("printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:0\\nsize 3\\n' > big.bin; git add -A; git commit -qm lfs", "Git LFS")]
    [InlineData("git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),lost; git commit -qm lost", "does not say where")]
    [InlineData("printf '[submodule \"x\"]\\npath = x\\nurl = ext::sh -c id\\n' > .gitmodules; git add .gitmodules; git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),x; git commit -qm evil", "not allowed")]
    [InlineData("printf '[submodule \"x\"]\\npath = x\\nurl = -oProxyCommand=id\\n' > .gitmodules; git add .gitmodules; git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),x; git commit -qm evil", "disallowed submodule url")]
    [InlineData("n='.GIT'; " + Named, "hasDotgit")]
    [InlineData("n='git~1'; " + Named, "hasDotgit")]
    [InlineData("n=$(printf '.g\\342\\200\\214it'); " + Named, "hasDotgit")]
    [InlineData("n='..'; " + Named, "hasDotdot")]
    public async Task What_a_tree_cannot_hold_is_refused_and_nothing_is_published(string script, string reason)
    {
        Run("cd repo; " + script);
        var refused = await ServerCommand.RunAsync("--data", Data, "publish", "--branch", "stable", $"git:{_temporary["repo"]}");
        refused.Exit.Should().BeOneOf([1, 13], refused.Error);
        refused.Error.Should().Contain(reason);
        (await ServerCommand.DoAsync("--data", Data, "branch", "list")).Out.Should().NotContain("stable");
    }

    [Fact]
    public async Task A_repository_of_sha256_names_is_refused_with_a_sentence()
    {
        Run("git init -q --object-format=sha256 new; cd new; printf 1 > f; git add -A; git commit -qm 1");
        var refused = await ServerCommand.RunAsync("--data", Data, "publish", "--branch", "stable", $"git:{_temporary["new"]}");
        refused.Exit.Should().NotBe(0);
        refused.Error.Should().Contain("SHA-256");
    }

    [Theory]
    [InlineData("-u")]
    [InlineData("--upload-pack=id")]
    [InlineData("ext::sh -c id")]
    [InlineData("fd::7")]
    [InlineData("ext::touch pwned [x")]
    [InlineData("ssh://-oProxyCommand=id/x")]
    [InlineData("-oProxyCommand=id:x")]
    [InlineData("user@-oProxyCommand=id:x")]
    [InlineData("https:///x")]
    [InlineData("https://host/x\ny")]
    [InlineData("git://host/x")]
    [InlineData("ftp://host/x")]
    [InlineData("repo#-d")]
    [InlineData("repo#a..b")]
    [InlineData("repo#@{1}")]
    [InlineData("repo#main:etc")]
    [InlineData("")]
    public void Addresses_that_git_would_take_for_something_else_are_refused(string address)
    {
        var parse = () => GitAddress.Parse(address);
        parse.Should().Throw<UnsupportedSourceException>();
    }

    [Theory]
    [InlineData("https://host#x@other/repo#main")]
    [InlineData("https://name:half#other-half@host/repo")]
    [InlineData("ssh://host/a#b#main")]
    public void An_address_with_a_number_sign_in_it_is_read_in_one_way_or_refused(string address)
    {
        var parse = () => GitAddress.Parse(address);
        parse.Should().Throw<UnsupportedSourceException>();
    }

    [Fact]
    public void An_address_that_is_nothing_but_schemes_is_refused_however_long_it_is()
    {
        var address = string.Concat(Enumerable.Repeat("file://", 200_000));
        var parse = () => GitAddress.Parse(address);
        parse.Should().Throw<UnsupportedSourceException>();
        var submodule = () => GitAddress.Parse("https://host/a").Submodule(address, "main");
        submodule.Should().Throw<UnsupportedSourceException>();
    }

    [Theory]
    [InlineData("https://host/a/b", "../c", "https://host/a/c")]
    [InlineData("https://host/a/b", "./c", "https://host/a/b/c")]
    [InlineData("git@host:a/b", "../c", "git@host:a/c")]
    [InlineData("/srv/a", "../b", "/srv/b")]
    [InlineData("https://host/a/b", "https://other/c", "https://other/c")]
    [InlineData("https://host/a", "../../c", null)]
    [InlineData("https://host/a", "../../../other/c", null)]
    [InlineData("https://host/a", "/etc", null)]
    [InlineData("https://host/a", "file:///etc", null)]
    public void A_submodule_stays_on_its_host_or_names_another_in_full(string parent, string url, string? expected)
    {
        var resolve = () => GitAddress.Parse(parent).Submodule(url, "main");
        if (expected is null)
            resolve.Should().Throw<UnsupportedSourceException>();
        else
            resolve().Url.Should().Be(expected);
    }

    [Theory]
    [InlineData("https://anna:secret@host/x#main", "https://host/x")]
    [InlineData("https://ghp_secret@host/x", "https://host/x")]
    [InlineData("https://a:b%40secret@host:8443/x@y", "https://host:8443/x@y")]
    [InlineData("ssh://git:secret@host/x", "ssh://git@host/x")]
    [InlineData("ssh://git@host/x", "ssh://git@host/x")]
    [InlineData("git@host:x", "git@host:x")]
    public void Names_and_passwords_do_not_reach_the_commit(string address, string shown) => GitAddress.Parse(address).Shown.Should().Be(shown);

    [Fact]
    public void Not_even_a_refusal_shows_a_secret()
    {
        var parse = () => GitAddress.Parse("ftp://anna:secret@host/x");
        parse.Should().Throw<UnsupportedSourceException>().Which.Message.Should().NotContain("secret");
    }

    private async Task<Commit> PublishAsync(string repository)
    {
        var published = await ServerCommand.DoAsync("--data", Data, "publish", "--branch", "stable", $"git:{_temporary.Path}/{repository}");
        using var data = DataDirectory.Open(Data);
        return data.Repository.ReadCommit(ObjectId.Parse(published.LastLine));
    }

    private string Run(string script) => Shell.Run("set -e; " + Git + script, _temporary.Path);
}
