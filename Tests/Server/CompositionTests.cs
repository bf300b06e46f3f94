using System.Text.Json.Nodes;
using ContentTree.Server.Compositions;
using ContentTree.Server.Publishing;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>Branches composed of others: what they come to, when they move, and when they had better not.</summary>
public sealed class CompositionTests : IAsyncLifetime
{
    private TestServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        Publish("os/stable", "1.0", ("etc/os", "one"), ("opt/scope/old", "of the base"), ("usr/bin/sh", "shell"));
        Publish("software/scope", "1.3", ("bin/scope", "1.3"));
        Publish("software/scope", "1.4", ("bin/scope", "1.4"));
        Publish("config/fec1", "", ("fec.conf", "first"));
        Publish("config/fec2", "", ("fec.conf", "second"));
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_recipe_puts_branches_at_paths_of_a_base(bool isRemote)
    {
        var set = await SetAsync("fleet/one", "# one device\n/ = os/stable\n/opt/scope = software/scope@1.3\n/etc/fec/here = config/fec1 # its own\n/srv ?= no/such\n", isRemote);
        set.Exit.Should().Be(0, set.Error);
        var listed = await ListAsync("fleet/one");
        listed.Should().BeEquivalentTo("etc", "etc/fec", "etc/fec/here", "etc/fec/here/fec.conf", "etc/os", "opt", "opt/scope", "opt/scope/bin", "opt/scope/bin/scope", "usr", "usr/bin", "usr/bin/sh");
        (await CatAsync("fleet/one", "opt/scope/bin/scope")).Should().Be("1.3");
        (await ServerCommand.DoAsync("--data", _server.DataPath, "recipe", "show", "fleet/one")).Out.Should().Contain("# one device");
        var shown = (await ServerCommand.DoAsync("--data", _server.DataPath, "show", "--json", "fleet/one")).Out;
        shown.Should().Contain("compose").And.Contain("software/scope 1 ");
        (await ServerCommand.DoAsync("--data", _server.DataPath, "fsck")).Exit.Should().Be(0);
    }

    [Fact]
    public async Task A_composed_branch_moves_with_its_parts_and_only_then()
    {
        await SetAsync("fleet/one", "/ = os/stable\n/opt/scope = software/scope\n");
        var first = Head("fleet/one");
        await Eventually(() => Head("fleet/one").Sequence == 1);
        Publish("software/scope", "1.5", ("bin/scope", "1.5"));
        await Eventually(() => Head("fleet/one").Sequence == 2);
        (await CatAsync("fleet/one", "opt/scope/bin/scope")).Should().Be("1.5");
        var commit = _server.Data.Repository.ReadCommit(Head("fleet/one").Commit);
        commit.Parents.Should().Equal(first.Commit);
        commit.Subject.Should().Be("software/scope 1.5");
        (commit.Entries, commit.Bytes).Should().Be(((long)(await ListAsync("fleet/one")).Length, 3L + 3 + 5));
        await SetAsync("fleet/one", "/ = os/stable\n/opt/scope = software/scope\n");
        Head("fleet/one").Sequence.Should().Be(2, "nothing has moved");
    }

    [Fact]
    public async Task A_pattern_makes_a_branch_for_each_name_and_nothing_is_stored_twice()
    {
        var before = Objects(".file");
        await SetAsync("fleet/*", "/ = os/stable\n/opt/scope = software/scope@1.4\n/etc/fec = config/*\n/etc/more ?= extra/*\n");
        (await CatAsync("fleet/fec2", "etc/fec/fec.conf")).Should().Be("second");
        Objects(".file").Should().Be(before);
        Publish("config/fec3", "", ("fec.conf", "third"));
        await Eventually(() => _server.Data.Repository.Heads.ReadNewest(BranchName.Parse("fleet/fec3")) is not null);
        var recipes = JsonNode.Parse((await ServerCommand.DoAsync("--data", _server.DataPath, "recipe", "list", "--json")).Out)!["recipes"]!.AsArray();
        recipes[0]!["branches"]!.AsArray().Select(b => (string)b!["name"]!).Should().Equal("fleet/fec1", "fleet/fec2", "fleet/fec3");
    }

    [Fact]
    public async Task What_is_for_development_is_taken_only_by_its_name()
    {
        await SetAsync("fleet/one", "/ = os/stable\n/opt/scope = software/scope\n");
        Publish("software/scope", "dev", ("bin/scope", "tried out"));
        await SetAsync("fleet/one", "/ = os/stable\n/opt/scope = software/scope\n");
        (await CatAsync("fleet/one", "opt/scope/bin/scope")).Should().Be("1.4");
        await SetAsync("lab/one", "/ = os/stable\n/opt/scope = software/scope@dev\n");
        (await CatAsync("lab/one", "opt/scope/bin/scope")).Should().Be("tried out");
        _server.Data.Repository.ReadCommit(Head("lab/one").Commit).Kind.Should().Be(CommitKind.Development);
    }

    [Theory]
    [InlineData("config/fec1", "software/scope >= 1.4", "1.3", "requires software/scope >= 1.4, and it is 1.3")]
    [InlineData("config/fec1", "software/scope >= 1.4~rc1", "1.4", "")]
    [InlineData("config/fec1", "software/other = 2", "1.4", "no line has software/other")]
    public async Task Parts_that_do_not_fit_together_are_refused_and_the_branch_stays(string branch, string requirement, string version, string reason)
    {
        await SetAsync("fleet/one", $"/ = os/stable\n/opt/scope = software/scope@{version}\n/etc/fec = config/fec1\n");
        var before = Head("fleet/one").Sequence;
        _server.WriteSource("fec.conf", "newer");
        (await ServerCommand.DoAsync("--data", _server.DataPath, "publish", "--branch", branch, "--requires", requirement, _server.Source)).Exit.Should().Be(0);
        var listed = await ServerCommand.RunAsync("--data", _server.DataPath, "recipe", "update");
        listed.Exit.Should().Be(reason.Length == 0 ? 0 : 3);
        if (reason.Length == 0)
            Head("fleet/one").Sequence.Should().Be(before + 1, listed.Error);
        else
            listed.Error.Should().Contain(reason);
        (Head("fleet/one").Sequence == before).Should().Be(reason.Length > 0);
    }

    [Fact]
    public async Task Hardware_and_processors_are_those_of_all_parts()
    {
        Publish("hw/a", "1", ["board-a", "board-b"], ("a", "a"));
        Publish("hw/b", "1", ["board-b"], ("b", "b"));
        Publish("hw/c", "1", ["board-c"], ("c", "c"));
        await SetAsync("fleet/ab", "/ = hw/a\n/b = hw/b\n");
        _server.Data.Repository.ReadCommit(Head("fleet/ab").Commit).Compatible.Should().Equal("board-b");
        var refused = await SetAsync("fleet/ac", "/ = hw/a\n/c = hw/c\n");
        refused.Exit.Should().Be(3);
        refused.Error.Should().Contain("different hardware");
    }

    [Fact]
    public async Task A_private_part_is_shown_to_nobody_by_a_public_branch()
    {
        await ServerCommand.DoAsync("--data", _server.DataPath, "branch", "private", "config/fec1");
        var refused = await SetAsync("fleet/one", "/ = os/stable\n/etc/fec = config/fec1\n");
        refused.Exit.Should().Be(3);
        refused.Error.Should().Contain("config/fec1 is private");
        await ServerCommand.DoAsync("--data", _server.DataPath, "branch", "create", "fleet/one", "--private");
        (await SetAsync("fleet/one", "/ = os/stable\n/etc/fec = config/fec1\n")).Exit.Should().Be(0);
    }

    [Theory]
    [InlineData("/opt = software/scope", "no base")]
    [InlineData("/ = os/stable\n/ = os/other", "twice")]
    [InlineData("/ = os/stable\nopt = software/scope", "does not begin")]
    [InlineData("/ = os/stable\n/../x = software/scope", "'..'")]
    [InlineData("/ = os/stable\n/x = bad name", "no branch name")]
    [InlineData("/ = os/stable\n/x = software/scope@", "no version")]
    [InlineData("/ = os/stable\n/x = config/*", "'*'")]
    [InlineData("/ = os/stable\n/x", "not PATH")]
    [InlineData("/ = fleet/one", "no parts of others")]
    public async Task A_wrong_recipe_is_refused_and_not_kept(string text, string reason)
    {
        var refused = await SetAsync("fleet/one", text);
        refused.Exit.Should().Be(1);
        refused.Error.Should().Contain(reason);
        (await ServerCommand.DoAsync("--data", _server.DataPath, "recipe", "list")).Out.Should().NotContain("fleet/one");
    }

    [Theory]
    [InlineData("many/*", "/ = os/stable\n/x ?= many/fec1\n/y = config/*", "many/fec1")]
    [InlineData("lab/two", "/ = fleet/one", "fleet/one")]
    [InlineData("config/fec1", "/ = os/stable", "config/fec1")]
    public async Task What_is_composed_is_no_part(string name, string text, string named)
    {
        await SetAsync("fleet/one", "/ = os/stable\n/etc/fec = config/fec1\n");
        var refused = await SetAsync(name, text);
        refused.Exit.Should().Be(1);
        refused.Error.Should().Contain(named).And.Contain("no parts of others");
        (await ServerCommand.DoAsync("--data", _server.DataPath, "recipe", "list")).Out.Should().NotContain(name + " ");
    }

    [Fact]
    public async Task Looking_moves_nothing_and_a_viewer_moves_nothing()
    {
        await _server.RestartAsync();
        await SetAsync("fleet/one", "/ = os/stable\n/opt/scope = software/scope\n");
        File.Move(Path.Combine(_server.DataPath, "recipes.json"), _server["recipes"]);
        Publish("software/scope", "1.5", ("bin/scope", "1.5"));
        await Task.Delay(300);
        using (var locked = new FileStream(Path.Combine(_server.DataPath, "composing.lock"), FileMode.Open))
        {
            // As another round would hold it: nothing moves meanwhile, and looking does not wait.
            var handle = locked.SafeFileHandle;
            ContentTree.Store.Posix.TryLock(handle, exclusive: true, wait: true, "test");
            File.Move(_server["recipes"], Path.Combine(_server.DataPath, "recipes.json"));
            (await ServerCommand.DoAsync("--data", _server.DataPath, "recipe", "list")).Out.Should().Contain("have moved");
            var token = (await ServerCommand.DoAsync("--data", _server.DataPath, "token", "create", "--role", "viewer")).LastLine;
            (await ServerCommand.DoAsync("recipe", "list", "--server", _server.Url, "--token", token)).Out.Should().Contain("have moved");
            (await ServerCommand.RunAsync("recipe", "update", "--server", _server.Url, "--token", token)).Exit.Should().Be(12);
            Head("fleet/one").Sequence.Should().Be(1);
        }
        await ServerCommand.DoAsync("--data", _server.DataPath, "recipe", "update");
        Head("fleet/one").Sequence.Should().Be(2);
    }

    [Fact]
    public async Task One_name_that_is_too_long_keeps_no_other_branch_from_its_parts()
    {
        Publish("config/" + new string('x', 190), "", ("fec.conf", "long"));
        (await SetAsync("a-long-prefix/*", "/ = os/stable\n/etc/fec = config/*\n")).Exit.Should().Be(0);
        Head("a-long-prefix/fec2").Sequence.Should().Be(1);
    }

    [Fact]
    public async Task The_version_is_the_bases_whatever_the_order_of_the_lines()
    {
        await SetAsync("fleet/one", "/opt/scope = software/scope\n/ = os/stable\n");
        _server.Data.Repository.ReadCommit(Head("fleet/one").Commit).Version.Should().Be("1.0");
    }

    [Fact]
    public async Task A_part_that_lacks_an_object_moves_no_branch()
    {
        var gone = new ObjectName(ObjectKind.File, ObjectId.Of("1.4"u8));
        File.Delete(Path.Combine(_server.DataPath, "repo", gone.RelativePath));
        var refused = await SetAsync("fleet/*", "/ = os/stable\n/opt/scope = software/scope\n/etc/fec = config/*\n");
        refused.Exit.Should().Be(3);
        refused.Error.Should().Contain("fleet/fec1 stays").And.Contain("fleet/fec2 stays").And.Contain("1 objects are missing");
        _server.Data.Repository.Heads.List().Should().NotContain(b => b.ToString().StartsWith("fleet/"));
    }

    [Fact]
    public async Task What_says_that_it_is_composed_and_is_not_moves_no_branch()
    {
        await SetAsync("fleet/one", "/ = os/stable\n/opt/scope = software/scope\n");
        var composed = _server.Data.Repository.ReadCommit(Head("fleet/one").Commit);
        ObjectId forged;
        using (var writer = _server.Data.Repository.BeginWriting())
        {
            forged = Publisher.WriteCommit(composed with { Tree = _server.Data.Repository.ReadCommit(Head("config/fec1").Commit).Tree }, writer);
            writer.Complete();
        }
        var refused = await ServerCommand.RunAsync("--data", _server.DataPath, "branch", "promote", forged.ToString(), "stable");
        refused.Exit.Should().Be(1);
        refused.Error.Should().Contain("come to something else");
        (await ServerCommand.DoAsync("--data", _server.DataPath, "branch", "promote", "fleet/one", "stable")).Exit.Should().Be(0);
    }

    [Fact]
    public async Task No_other_way_brings_a_version_twice()
    {
        Publish("test", "1.4", ("bin/scope", "another 1.4"));
        _server.WriteSettings("versions.once = software/\n");
        (await ServerCommand.RunAsync("--data", _server.DataPath, "branch", "promote", "test", "software/scope")).Exit.Should().Be(18);
        (await ServerCommand.RunAsync("--data", _server.DataPath, "branch", "promote", Head("config/fec1").Commit.ToString(), "software/scope")).Exit.Should().Be(1);
        Head("software/scope").Sequence.Should().Be(2);
    }

    [Fact]
    public async Task A_path_below_a_file_is_refused()
    {
        var refused = await SetAsync("fleet/one", "/ = os/stable\n/usr/bin/sh/x = software/scope\n");
        refused.Exit.Should().Be(3);
        refused.Error.Should().Contain("no directory");
    }

    [Fact]
    public async Task A_recipe_that_is_gone_moves_nothing_any_more()
    {
        await SetAsync("fleet/one", "/ = os/stable\n/opt/scope = software/scope\n");
        await ServerCommand.DoAsync("--data", _server.DataPath, "recipe", "remove", "fleet/one");
        Publish("software/scope", "1.5", ("bin/scope", "1.5"));
        await ServerCommand.DoAsync("--data", _server.DataPath, "recipe", "update");
        Head("fleet/one").Sequence.Should().Be(1);
        (await ServerCommand.RunAsync("--data", _server.DataPath, "recipe", "remove", "fleet/one")).Exit.Should().Be(17);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Where_versions_are_kept_a_version_is_published_once(bool isRemote)
    {
        _server.WriteSettings("versions.once = software/\n");
        async Task<ServerCommand> PublishAsync(string branch, string version, string content)
        {
            _server.WriteSource("bin/scope", content);
            string[] options = ["publish", "--branch", branch, "--version", version, "--no-cache", _server.Source];
            return await ServerCommand.RunAsync(isRemote ? [.. options, "--server", _server.Url, "--token", _server.Admin, "--cache", _server.Cache] : ["--data", _server.DataPath, .. options]);
        }
        (await PublishAsync("software/scope", "1.5", "1.5")).Exit.Should().Be(0);
        var refused = await PublishAsync("software/scope", "1.4", "another 1.4");
        refused.Exit.Should().Be(18);
        refused.Error.Should().Contain("has a version 1.4 already, at sequence 2");
        (await PublishAsync("software/scope", "", "without")).Exit.Should().Be(1);
        (await PublishAsync("software/scope", "dev", "tried")).Exit.Should().Be(0);
        (await PublishAsync("software/scope", "dev", "tried again")).Exit.Should().Be(0);
        (await PublishAsync("os/stable", "1.0", "elsewhere")).Exit.Should().Be(0);
        Head("software/scope").Sequence.Should().Be(5);
    }

    [Fact]
    public async Task Of_versions_as_many_stay_as_the_rule_says_and_those_that_somebody_needs()
    {
        _server.WriteSettings("versions.once = software/\nhistory.keep = software/:2\n");
        await SetAsync("fleet/one", "/ = os/stable\n/opt/scope = software/scope@1.3\n");
        await ServerCommand.DoAsync("--data", _server.DataPath, "recipe", "remove", "fleet/one");
        foreach (var version in new[] { "1.5", "dev", "1.6" })
            Publish("software/scope", version, ("bin/scope", version));
        var dry = (await ServerCommand.DoAsync("--data", _server.DataPath, "gc", "--grace", "0", "--dry-run")).Out.Split('\n');
        dry.Should().ContainSingle(line => line.StartsWith("remove") && line.Contains(" 1.4"));
        dry.Should().ContainSingle(line => line.StartsWith("remove") && line.Contains(" dev"));
        dry.Should().ContainSingle(line => line.StartsWith("keep") && line.Contains(" 1.3") && line.Contains("part of") && line.Contains("head of fleet/one"));
        dry.Count(line => line.StartsWith("remove")).Should().Be(2);
        await ServerCommand.DoAsync("--data", _server.DataPath, "gc", "--grace", "0");
        (await SetAsync("lab/one", "/ = os/stable\n/opt/scope = software/scope@1.3\n")).Exit.Should().Be(0);
        (await SetAsync("lab/two", "/ = os/stable\n/opt/scope = software/scope@1.4\n")).Exit.Should().Be(3);
        (await ServerCommand.DoAsync("--data", _server.DataPath, "fsck")).Exit.Should().Be(0);
    }

    [Fact]
    public async Task Garbage_collection_keeps_what_proves_the_parts()
    {
        await SetAsync("fleet/one", "/ = os/stable\n/opt/scope = software/scope@1.3\n");
        await ServerCommand.DoAsync("--data", _server.DataPath, "recipe", "remove", "fleet/one");
        var parts = Composition.Of(_server.Data.Repository.ReadCommit(Head("fleet/one").Commit))!.Inputs;
        Publish("os/stable", "2.0", ("etc/os", "two"));
        Publish("software/scope", "1.5", ("bin/scope", "1.5"));
        await ServerCommand.DoAsync("--data", _server.DataPath, "gc", "--keep", "1", "--grace", "0");
        foreach (var part in parts)
            _server.Data.Repository.Contains(new ObjectName(ObjectKind.Commit, part.Commit)).Should().BeTrue();
        var root = _server.Data.Repository.ReadTree(_server.Data.Repository.ReadCommit(parts[0].Commit).Tree);
        root.Find(EntryName.Create("opt")).Should().NotBeNull();
        _server.Data.Repository.Contains(new ObjectName(ObjectKind.File, ObjectId.Of("of the base"u8))).Should().BeTrue("a part that is there is whole");
        (await ServerCommand.DoAsync("--data", _server.DataPath, "fsck")).Exit.Should().Be(0);
    }

    [Fact]
    public void Versions_are_in_the_order_that_dpkg_has_them()
    {
        string[] versions = ["1", "1.0", "1.00", "1.0~rc1", "1.0~rc1~a", "1.0-1", "1.0-2", "1.0-10", "1.0a", "1.0+b", "1.10", "1.9", "2", "1:0.1", "0", "00012", "12", "1.0.1", "1.0-1~bpo", "a", "~", "1..2", "99999999999999999999999"];
        foreach (var left in versions)
        {
            foreach (var right in versions)
            {
                var order = Math.Sign(DebianVersion.Compare(left, right));
                var judge = Judge(left, right);
                order.Should().Be(judge, $"{left} beside {right}");
            }
        }
    }

    // 'serve' looks by itself.
    private static async Task Eventually(Func<bool> isTrue)
    {
        for (var i = 0; i < 600 && !isTrue(); i++)
            await Task.Delay(100);
        isTrue().Should().BeTrue();
    }

    private static int Judge(string left, string right)
    {
        bool Is(string op) => Shell.Run($"dpkg --compare-versions '{left}' {op} '{right}' 2>/dev/null && echo yes || echo no").Trim() == "yes";
        return Is("lt") ? -1 : Is("gt") ? 1 : 0;
    }

    private void Publish(string branch, string version, params (string Name, string Content)[] files) => Publish(branch, version, [], files);

    private void Publish(string branch, string version, string[] compatible, params (string Name, string Content)[] files)
    {
        Directory.Delete(_server.Source, recursive: true);
        Directory.CreateDirectory(_server.Source);
        foreach (var (name, content) in files)
            _server.WriteSource(name, content);
        new Publisher(_server.Data, _server.Time).Publish(
            new() { Branch = BranchName.Parse(branch), Source = _server.Source, Version = version, Compatible = compatible, NoCache = true }, CancellationToken.None);
    }

    private async Task<ServerCommand> SetAsync(string name, string text, bool isRemote = false)
    {
        File.WriteAllText(_server["recipe"], text);
        return await ServerCommand.RunAsync(isRemote
            ? ["recipe", "set", name, _server["recipe"], "--server", _server.Url, "--token", _server.Admin]
            : ["--data", _server.DataPath, "recipe", "set", name, _server["recipe"]]);
    }

    private VerifiedHead Head(string branch) =>
        new Branches(_server.Data, _server.Time).ReadHead(BranchName.Parse(branch));

    private async Task<string[]> ListAsync(string branch) =>
        [.. (await ServerCommand.DoAsync("--data", _server.DataPath, "ls", "-R", branch)).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[^1])];

    private async Task<string> CatAsync(string branch, string path) => (await ServerCommand.DoAsync("--data", _server.DataPath, "cat", branch, path)).Out;

    private int Objects(string suffix) => Directory.GetFiles(Path.Combine(_server.DataPath, "repo/objects"), "*" + suffix, SearchOption.AllDirectories).Length;
}
