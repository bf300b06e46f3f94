using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using ContentTree.Server.Follows;
using ContentTree.Server.Publishing;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>Branches that follow real git repositories: what is published and when, and what stays as it is when something goes wrong.</summary>
public sealed class FollowTests : IAsyncLifetime
{
    private const string Git = "export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@e GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@e; git config --global init.defaultBranch main; ";

    private TestServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        Run("git init -q repo; cd repo; mkdir -p device/etc; printf one > device/etc/value; printf server > other; git add -A; git commit -qm one; git tag v1.0");
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    private string[] Remote => ["--server", _server.Url, "--token", _server.Admin];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_pushed_is_published_and_the_history_says_by_what(bool isRemote)
    {
        await SetAsync(isRemote, "stable", "main", "--subdir", "device", "--describe", "--owner", "7:8", "--compatible", "scope-2");
        (await NowAsync(isRemote, "stable")).LastLine.Should().Be(Head("stable").ToString());
        (await CatAsync("stable", "etc/value")).Should().Be("one");
        var sha = Push("two");

        (await NowAsync(isRemote, "stable")).Exit.Should().Be(0);

        (await CatAsync("stable", "etc/value")).Should().Be("two");
        var commit = _server.Data.Repository.ReadCommit(Head("stable"));
        (commit.Source.Revision, commit.Version, commit.Subject).Should().Be((sha, $"v1.0-1-g{sha[..12]}", "two"));
        commit.Compatible.Should().Equal("scope-2");
        (await DoAsync("ls", "-R", "stable")).Out.Should().Contain("7").And.Contain("etc/value").And.NotContain("other");
        var newest = (await DoAsync("branch", "history", "stable")).Out.Split('\n')[1];
        newest.Should().Contain("follow").And.Contain($"follow git:{_server["repo"]}#main").And.Contain(sha);
        var state = await StateAsync("stable");
        (state["seen"]!.GetValue<string>(), state["published"]!.GetValue<string>(), state["sequence"]!.GetValue<long>(), state["error"]).Should().Be((sha, sha, 2, null));
    }

    [Fact]
    public async Task A_running_server_looks_by_itself_when_it_is_time()
    {
        await SetAsync(false, "test", "main", "--every", "10m");
        await Eventually(() => IsTold("test", 1));
        Push("two");
        _server.Time.Ahead += TimeSpan.FromMinutes(15);
        await Eventually(() => IsTold("test", 2));
        (await CatAsync("test", "device/etc/value")).Should().Be("two");
    }

    [Fact]
    public async Task No_revision_is_published_twice_also_when_a_person_went_back_and_the_server_was_started_anew()
    {
        await SetAsync(true, "stable", "main");
        await NowAsync(true, "stable");
        var first = Head("stable");
        Push("two");
        await NowAsync(true, "stable");
        await DoAsync("branch", "revert", "stable", first.ToString());
        await _server.RestartAsync();
        (await NowAsync(true, "stable")).Exit.Should().Be(0);
        (Head("stable"), Sequence("stable")).Should().Be((first, 3));
        Push("three");
        await NowAsync(true, "stable");
        (await CatAsync("stable", "device/etc/value")).Should().Be("three");
    }

    [Fact]
    public async Task What_was_moved_by_force_is_followed()
    {
        Push("two");
        await SetAsync(true, "stable", "main");
        await NowAsync(true, "stable");
        Run("cd repo; git reset -q --hard v1.0; printf other > device/etc/value; git commit -qam Other");
        await NowAsync(true, "stable");
        (await CatAsync("stable", "device/etc/value")).Should().Be("other");
        Run("cd repo; git reset -q --hard v1.0");
        await NowAsync(true, "stable");
        (await CatAsync("stable", "device/etc/value")).Should().Be("one");
    }

    [Theory]
    [InlineData("mv repo away", "mv away repo", 13, "cannot be fetched")]
    [InlineData("git -C repo branch -m main gone", "git -C repo branch -m gone main", 17, "no branch, tag or commit 'main'")]
    [InlineData("cd repo; printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:0\\nsize 3\\n' > big; git add -A; git commit -qm lfs", "cd repo; git rm -q big; git commit -qm mended", 1, "Git LFS")]
    [InlineData("cd repo; mkdir .ctree; printf '#!/bin/sh\\necho broken; exit 3\\n' > .ctree/build; chmod 755 .ctree/build; git add -A; git commit -qm build", "cd repo; git rm -rq .ctree; git commit -qm mended", 1, "--build")]
    [InlineData("p=$(echo data/mirrors/*/objects/pack/*.pack); o=$(git verify-pack -v ${p%.pack}.idx | awk '$2 == \"blob\" { print $5 }' | head -1); chmod u+w $p; printf garbage | dd of=$p bs=1 seek=$((o + 1)) conv=notrunc status=none; cd repo; echo '*.none' > .ctreeignore; git add -A; git commit -qm 'all is read'", "rm -rf data/mirrors", 1, "mirrors/")]
    public async Task What_goes_wrong_is_told_and_changes_nothing_and_the_next_good_revision_is_published(string breaks, string mends, int? code, string reason)
    {
        await SetAsync(true, "stable", "main");
        await SetAsync(true, "beside", "v1.0");
        await NowAsync(true, "stable");
        Run(breaks);

        var failed = await NowAsync(true, "stable");

        failed.Exit.Should().NotBe(0);
        if (code is not null)
            failed.Exit.Should().Be(code);
        failed.Error.Should().Contain(reason).And.Contain("stays where it is");
        (await DoAsync("follow", "show", "stable")).Out.Should().Contain(reason);
        (await CatAsync("stable", "device/etc/value")).Should().Be("one");
        Run(mends);
        var sha = Push("two");
        (await NowAsync(true, "stable")).Exit.Should().Be(0);
        (await StateAsync("stable"))["published"]!.GetValue<string>().Should().Be(sha);
        (await CatAsync("stable", "device/etc/value")).Should().Be("two");
        (await NowAsync(true, "beside")).Exit.Should().Be(0);
    }

    [Fact]
    public async Task A_mirror_that_a_power_cut_damaged_is_fetched_anew()
    {
        await SetAsync(true, "stable", "main");
        await NowAsync(true, "stable");
        Run("cd data/mirrors/*; mv objects/pack/*.pack pack; rm -f objects/pack/*; git --git-dir=. unpack-objects -q < pack; for f in objects/??/*; do chmod u+w $f; printf garbage > $f; done");
        Push("two");
        (await NowAsync(true, "stable")).Error.Should().BeEmpty();
        (await CatAsync("stable", "device/etc/value")).Should().Be("two");
    }

    [Fact]
    public async Task A_revision_that_fails_is_not_built_again_at_every_look()
    {
        Run("cd repo; mkdir .ctree; printf '#!/bin/sh\\nexit 3\\n' > .ctree/build; chmod 755 .ctree/build; git add -A; git commit -qm build");
        await SetAsync(false, "stable", "main", "--build");
        await Eventually(() => Row("stable").Attempts == 1);
        var follower = new Follower(_server.Data, _server.Time);
        follower.Run(BranchName.Parse("stable"), wait: true, CancellationToken.None)!.Attempts.Should().Be(1);
        _server.Time.Ahead += TimeSpan.FromHours(1);
        follower.Run(BranchName.Parse("stable"), wait: true, CancellationToken.None)!.Attempts.Should().Be(2);
        (await NowAsync(false, "stable")).Error.Should().Contain("ended with 3");
        Row("stable").Attempts.Should().BeGreaterThan(2);
    }

    [Fact]
    public async Task A_protected_branch_follows_nothing()
    {
        await SetAsync(true, "stable", "main");
        await NowAsync(true, "stable");
        await DoAsync("branch", "protect", "stable");
        Push("two");
        var refused = await NowAsync(true, "stable");
        (refused.Exit, Sequence("stable")).Should().Be((12, 1));
        refused.Error.Should().Contain("protected");
        foreach (var isRemote in new[] { true, false })
            (await TrySetAsync(isRemote, "stable", "main")).Exit.Should().Be(12);
    }

    [Fact]
    public async Task Where_release_keys_are_elsewhere_a_person_publishes_what_was_seen()
    {
        _server.WriteSettings("release.keys = external\n");
        (await SetAsync(false, "stable", "main")).Error.Should().Contain("signs nothing");
        var refused = await NowAsync(true, "stable");
        refused.Exit.Should().Be(3);
        refused.Error.Should().Contain("follow now stable --key FILE");
        _server.Data.Repository.Heads.List().Should().BeEmpty();
        Run("mkdir safe; mv data/keys/release.pem safe");
        (await NowAsync(false, "stable")).Exit.Should().Be(17, "no key is at hand");
        (await RunAsync("follow", "now", "stable", "--key", _server["safe/release.pem"])).Exit.Should().Be(0);
        Sequence("stable").Should().Be(1);
    }

    [Fact]
    public async Task A_hook_asks_for_a_look_by_whoever_knows_its_secret_and_no_other()
    {
        var secret = (await SetAsync(true, "stable/x", "main", "--every", "1d", "--hook")).LastLine;
        await Eventually(() => IsTold("stable/x", 1));
        (await SetAsync(true, "other", "main", "--every", "1d")).Out.Should().BeEmpty();
        var body = "{\"ref\":\"refs/heads/elsewhere\"}";
        var sha = Push("two");
        foreach (var (route, header, value) in new[]
        {
            ("stable/x", "X-Hub-Signature-256", "sha256=" + Sign("wrong", body)), ("stable/x", "X-Hub-Signature-256", "sha256=" + Sign(secret, body + " ")), ("stable/x", "X-Hub-Signature-256", ""),
            ("stable/x", "X-Gitlab-Token", secret + "x"), ("stable/x", "Authorization", "Bearer " + _server.Admin), ("other", "X-Gitlab-Token", secret), ("none", "X-Gitlab-Token", secret), ("not%20one", "X-Gitlab-Token", secret), ("other", "X-Gitlab-Token", ""),
        })
            (await (await HookAsync(route, body, header, value)).ShouldBeProblemAsync(ProblemCode.BadSignature)).Detail.Should().Be("no such hook, or not its secret");
        Row("stable/x").State.Asked.Should().Be(1);

        (await HookAsync("stable/x", body, "X-Hub-Signature-256", "sha256=" + Sign(secret, body))).StatusCode.Should().Be(HttpStatusCode.Accepted);

        await Eventually(() => IsTold("stable/x", 2));
        (await StateAsync("stable/x"))["published"]!.GetValue<string>().Should().Be(sha);
        Push("three");
        (await HookAsync("stable/x", body, "X-Gitlab-Token", secret)).StatusCode.Should().Be(HttpStatusCode.Accepted);
        await Eventually(() => IsTold("stable/x", 3));
        for (var i = 0; i < 8; i++)
            (await HookAsync("stable/x", body, "X-Gitlab-Token", secret)).StatusCode.Should().Be(HttpStatusCode.Accepted);
        var refused = await HookAsync("stable/x", body, "X-Gitlab-Token", secret);
        await refused.ShouldBeProblemAsync(ProblemCode.TooMany);
        refused.Headers.RetryAfter.Should().NotBeNull();
        await (await HookAsync("stable/x", new string('x', BodyLimits.Hook + 1), "X-Gitlab-Token", secret)).ShouldBeProblemAsync(ProblemCode.TooLarge);
    }

    [Fact]
    public async Task A_hooks_secret_stays_until_it_is_taken_away_and_is_shown_once()
    {
        var secret = (await SetAsync(true, "stable", "main", "--hook")).LastLine;
        (await SetAsync(true, "stable", "main", "--every", "1h")).Out.Should().BeEmpty();
        Row("stable").Secret.Should().Be(secret);
        foreach (var verb in new[] { new[] { "show", "stable" }, ["list"], ["list", "--json"], ["show", "stable", "--json"] })
            (await DoAsync(["follow", .. verb])).Out.Should().NotContain(secret);
        (await DoAsync("follow", "show", "stable")).Out.Should().Contain("/api/v1/hooks/stable");
        await SetAsync(true, "stable", "main", "--no-hook");
        Row("stable").Secret.Should().BeNull();
        if (!TestStorage.IsPostgres)
            Run("stat -c %a data/server.db").Should().Be("600\n");
    }

    [Theory]
    [InlineData("{\"branch\":\"b\",\"source\":\"/srv/tree\"}", "git:REPOSITORY#REF")]
    [InlineData("{\"branch\":\"b\",\"source\":\"git:repo#main\"}", "begins with '/'")]
    [InlineData("{\"branch\":\"b\",\"source\":\"git:ext::sh -c id\"}", "not allowed")]
    [InlineData("{\"branch\":\"b\",\"source\":\"git:https://h/x#0123456789012345678901234567890123456789\"}", "stays where it is")]
    [InlineData("{\"branch\":\"b\",\"source\":\"git:https://h/x\",\"every\":1}", "every 10 seconds")]
    [InlineData("{\"branch\":\"b\",\"source\":\"git:https://h/x\",\"subdir\":\"../up\"}", "subdir")]
    [InlineData("{\"branch\":\"b\",\"source\":\"git:https://h/x\",\"owner\":\"root\"}", "owner")]
    [InlineData("{\"branch\":\"b\",\"source\":\"git:https://h/x\",\"version\":\"a\\nb\"}", "version")]
    [InlineData("{\"branch\":\"b\",\"source\":\"git:https://h/x\",\"build\":{\"minutes\":-1,\"memory\":1}}", "minutes")]
    public async Task What_makes_no_sense_is_refused(string request, string reason)
    {
        using var content = new StringContent(request);
        var problem = await (await _server.SendAsync(HttpMethod.Put, Routes.Follows, content, _server.Admin)).ShouldBeProblemAsync(ProblemCode.BadRequest);
        problem.Detail.Should().Contain(reason);
        new FollowRegister(_server.Data, _server.Time).List().Should().BeEmpty();
    }

    [Fact]
    public async Task Passwords_are_not_shown_and_an_end_is_an_end()
    {
        await DoAsync("follow", "set", "stable", "git:https://anna:hunter2@127.0.0.1:1/x#main");
        var failed = await NowAsync(false, "stable");
        failed.Exit.Should().Be(13);
        failed.Error.Should().NotContain("hunter2");
        foreach (var verb in new[] { new[] { "show", "stable" }, ["list", "--json"] })
            (await DoAsync(["follow", .. verb])).Out.Should().NotContain("hunter2").And.Contain("https://127.0.0.1:1/x#main");
        await DoAsync(["follow", "remove", "stable", .. Remote]);
        (await RunAsync("follow", "show", "stable")).Exit.Should().Be(17);
        (await RunAsync(["follow", "now", "stable", .. Remote])).Exit.Should().Be(17);
    }

    [Fact]
    public async Task Only_an_admin_says_what_is_followed()
    {
        foreach (var role in new[] { TokenRole.Publisher, TokenRole.Operator, TokenRole.Viewer, TokenRole.Enrol })
            (await RunAsync("follow", "set", "stable", $"git:{_server["repo"]}", "--server", _server.Url, "--token", _server.NewToken(role))).Exit.Should().Be(12);
        await SetAsync(true, "stable", "main");
        (await RunAsync("follow", "now", "stable", "--server", _server.Url, "--token", _server.NewToken(TokenRole.Publisher))).Exit.Should().Be(0);
        (await RunAsync("follow", "now", "stable", "--server", _server.Url, "--token", _server.NewToken(TokenRole.Viewer))).Exit.Should().Be(12);
        (await RunAsync("follow", "remove", "stable", "--server", _server.Url, "--token", _server.NewToken(TokenRole.Publisher))).Exit.Should().Be(12);
    }

    private static string Sign(string secret, string body) => Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.ASCII.GetBytes(secret), Encoding.UTF8.GetBytes(body)));

    private async Task<HttpResponseMessage> HookAsync(string branch, string body, string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{Routes.Hooks}/{branch}") { Content = new StringContent(body) };
        request.Headers.TryAddWithoutValidation(header, value);
        request.Headers.ExpectContinue = body.Length > BodyLimits.Hook;
        return await _server.Http.SendAsync(request);
    }

    private static async Task Eventually(Func<bool> isTrue)
    {
        for (var i = 0; i < 600 && !isTrue(); i++)
            await Task.Delay(100);
        isTrue().Should().BeTrue();
    }

    private string Push(string value) => Run($"cd repo; printf {value} > device/etc/value; git commit -qam {value}; git rev-parse HEAD").Trim();

    private ObjectId Head(string branch) => new Branches(_server.Data, _server.Time).ReadHead(BranchName.Parse(branch)).Commit;

    private long Sequence(string branch) => new Branches(_server.Data, _server.Time).Read(BranchName.Parse(branch)).Head?.Sequence ?? 0;

    // The branch moves before that is written down, and until then the next look has no time.
    private bool IsTold(string branch, long sequence) => Row(branch).State.Sequence == sequence && Sequence(branch) == sequence;

    private FollowRow Row(string branch) => new FollowTable(_server.Data.OpenDatabase(), _server.Time).Find(BranchName.Parse(branch));

    private async Task<JsonNode> StateAsync(string branch) => JsonNode.Parse((await DoAsync("follow", "show", "--json", branch)).Out)!["state"]!;

    private async Task<string> CatAsync(string branch, string path) => (await DoAsync("cat", branch, path)).Out;

    private async Task<ServerCommand> SetAsync(bool isRemote, string branch, string reference, params string[] options)
    {
        var set = await TrySetAsync(isRemote, branch, reference, options);
        set.Exit.Should().Be(0, set.Error);
        return set;
    }

    private Task<ServerCommand> TrySetAsync(bool isRemote, string branch, string reference, params string[] options) =>
        RunAsync(["follow", "set", branch, $"git:{_server["repo"]}#{reference}", .. options, .. isRemote ? Remote : []]);

    private Task<ServerCommand> NowAsync(bool isRemote, string branch) => RunAsync(["follow", "now", branch, .. isRemote ? Remote : []]);

    private Task<ServerCommand> RunAsync(params string[] verb) => ServerCommand.RunAsync(["--data", _server.DataPath, .. verb]);

    private Task<ServerCommand> DoAsync(params string[] verb) => ServerCommand.DoAsync(["--data", _server.DataPath, .. verb]);

    private string Run(string script) => Shell.Run("set -e; " + Git + script, _server["."]);
}
