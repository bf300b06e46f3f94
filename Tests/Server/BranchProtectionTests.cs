using System.Text.Json.Nodes;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Server;

/// <summary>Branches that go only where another one is, and what a branch's history says of who moved it and why.</summary>
public sealed class BranchProtectionTests : IAsyncLifetime
{
    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_protected_branch_is_promoted_and_reverted_and_nothing_else(bool isRemote)
    {
        var first = await PublishAsync("test", "one");
        await DoAsync("branch", "promote", "test", "stable");
        await MarkAsync(isRemote, "protect");
        (await DoAsync("branch", "list")).Out.Should().MatchRegex("stable .* protected");

        _server.WriteSource("file", "direct");
        (await RunAsync("publish", "--branch", "stable", _server.Source)).Exit.Should().Be((int)ExitCode.NotAuthorised);
        (await RunAsync("branch", "delete", "stable")).Exit.Should().Be((int)ExitCode.NotAuthorised);
        (await DoAsync("cat", "stable", "file")).Out.Should().Be("one");

        var second = await PublishAsync("test", "two");
        (await DoAsync("branch", "promote", "test", "stable")).LastLine.Should().Be(second);
        await PublishAsync("test", "three");
        (await DoAsync("branch", "revert", "stable", first)).LastLine.Should().Be(first);
        (await RunAsync("branch", "promote", second, "stable")).Exit.Should().Be(0, "it has been there");

        await MarkAsync(isRemote, "unprotect");
        await PublishAsync("stable", "direct");
    }

    [Fact]
    public async Task Over_http_an_approver_or_an_admin_moves_a_protected_branch_and_publishes_nothing_on_it()
    {
        await PublishAsync("test", "one");
        await DoAsync("branch", "promote", "test", "stable");
        await DoAsync("branch", "protect", "stable");
        await PublishAsync("test", "two");
        var publisher = _server.NewToken(TokenRole.Publisher);

        (await ServerCommand.RunAsync("branch", "protect", "--server", _server.Url, "--token", publisher, "test")).Exit.Should().Be((int)ExitCode.NotAuthorised);
        (await ServerCommand.RunAsync("branch", "promote", "--server", _server.Url, "--token", publisher, "test", "stable")).Exit.Should().Be((int)ExitCode.NotAuthorised);
        (await DoAsync("cat", "stable", "file")).Out.Should().Be("one");
        await ServerCommand.DoAsync("branch", "promote", "--server", _server.Url, "--token", _server.Admin, "test", "stable");
        (await DoAsync("cat", "stable", "file")).Out.Should().Be("two");
        _server.WriteSource("file", "direct");
        var direct = await ServerCommand.RunAsync("publish", "--server", _server.Url, "--token", _server.Admin, "--cache", _server.Cache, "--branch", "stable", _server.Source);
        direct.Exit.Should().Be((int)ExitCode.NotAuthorised);
        direct.Error.Should().Contain("protected");

        var approver = _server.NewToken(TokenRole.Approver);
        var third = await PublishAsync("test", "three");
        (await ServerCommand.DoAsync("branch", "promote", "--server", _server.Url, "--token", approver, "test", "stable")).LastLine.Should().Be(third);
        foreach (var verb in new[] { "unprotect", "delete" })
            (await ServerCommand.RunAsync("branch", verb, "--server", _server.Url, "--token", approver, "stable")).Exit.Should().Be((int)ExitCode.NotAuthorised);
        (await ServerCommand.RunAsync("publish", "--server", _server.Url, "--token", approver, "--cache", _server.Cache, "--branch", "other", _server.Source)).Exit.Should().Be((int)ExitCode.NotAuthorised);
        // What is there in full but on no branch is a publish as well.
        await PublishAsync("gone", "four");
        var fourth = await PublishAsync("gone", "five");
        await DoAsync("branch", "delete", "gone");
        (await ServerCommand.RunAsync("branch", "promote", "--server", _server.Url, "--token", approver, fourth, "other")).Exit.Should().Be((int)ExitCode.NotAuthorised);
        (await ServerCommand.RunAsync("branch", "promote", "--server", _server.Url, "--token", _server.NewToken(TokenRole.Publisher), fourth, "other")).Exit.Should().Be(0);
    }

    [Fact]
    public async Task A_mark_on_what_was_never_there_is_not_found_and_a_damaged_file_of_marks_lets_nothing_through()
    {
        (await RunAsync("branch", "protect", "nowhere")).Exit.Should().Be((int)ExitCode.NotFound);
        await PublishAsync("stable", "one");
        File.WriteAllText(Path.Combine(_server.DataPath, "repo/protected.json"), "{");
        _server.WriteSource("file", "two");
        (await RunAsync("publish", "--branch", "stable", _server.Source)).Exit.Should().Be((int)ExitCode.Failed);
        (await DoAsync("cat", "stable", "file")).Out.Should().Be("one");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_history_says_who_how_and_why(bool isRemote)
    {
        await PublishAsync("test", "one", "--reason", "first light");
        await DoAsync("branch", "promote", "test", "stable", "--reason", "tested on lab-7");
        var first = await PublishAsync("test", "two");
        await ServerCommand.DoAsync("branch", "promote", "--server", _server.Url, "--token", _server.Admin, "test", "stable", "--reason", "from afar");
        await DoAsync("branch", "revert", "stable", (await HistoryAsync(isRemote, "stable"))[^1]!["commit"]!.GetValue<string>());

        var history = await HistoryAsync(isRemote, "stable");

        history.Select(p => $"{p!["sequence"]} {p["verb"]} {p["reason"]}").Should().Equal("3 revert ", "2 promote from afar", "1 promote tested on lab-7");
        history.Select(p => p!["by"]!.GetValue<string>()).Should().Equal(Environment.UserName, $"token {_server.Admin["ctree-".Length..].Split('.')[0]}", Environment.UserName);
        history[1]!["commit"]!.GetValue<string>().Should().Be(first);
        (await DoAsync("branch", "history", "test")).Out.Should().Contain("first light").And.Contain("publish");
        (await RunAsync("branch", "history", "nowhere")).Exit.Should().Be((int)ExitCode.NotFound);
    }

    [Fact]
    public async Task A_lost_note_costs_its_line_alone_and_a_reason_is_one_line()
    {
        await PublishAsync("stable", "one");
        Directory.Delete(Path.Combine(_server.DataPath, "repo/moves"), recursive: true);
        (await HistoryAsync(false, "stable")).Single()!["sequence"]!.GetValue<long>().Should().Be(1);
        _server.WriteSource("file", "two");
        (await RunAsync("publish", "--branch", "stable", "--reason", "two\nlines", _server.Source)).Exit.Should().Be((int)ExitCode.Failed);
        (await HistoryAsync(false, "stable")).Should().ContainSingle();
    }

    [Fact]
    public async Task Marks_and_notes_are_in_a_backup_and_are_served_to_nobody()
    {
        await PublishAsync("test", "one", "--reason", "kept");
        await DoAsync("branch", "protect", "test");
        await DoAsync("backup", _server["backup.tar"]);
        await ServerCommand.DoAsync("--data", _server["new"], "restore", _server["backup.tar"]);
        (await ServerCommand.DoAsync("--data", _server["new"], "branch", "history", "test")).Out.Should().Contain("kept");
        (await ServerCommand.DoAsync("--data", _server["new"], "branch", "list")).Out.Should().Contain("protected");
        foreach (var path in new[] { "/repo/moves/test/1.json", "/repo/protected.json" })
            ((int)(await _server.Http.GetAsync(path)).StatusCode).Should().Be(404);
    }

    private async Task MarkAsync(bool isRemote, string verb) =>
        await ServerCommand.DoAsync(isRemote ? ["branch", verb, "--server", _server.Url, "--token", _server.Admin, "stable"] : ["--data", _server.DataPath, "branch", verb, "stable"]);

    private async Task<JsonArray> HistoryAsync(bool isRemote, string branch)
    {
        var result = await ServerCommand.DoAsync([.. isRemote ? new[] { "branch", "history", "--server", _server.Url, "--token", _server.Admin } : ["--data", _server.DataPath, "branch", "history"], branch, "--json"]);
        return JsonNode.Parse(result.Out)!["positions"]!.AsArray();
    }

    private async Task<string> PublishAsync(string branch, string content, params string[] more)
    {
        _server.WriteSource("file", content);
        return (await DoAsync(["publish", "--branch", branch, .. more, _server.Source])).LastLine;
    }

    private Task<ServerCommand> DoAsync(params string[] args) => ServerCommand.DoAsync(["--data", _server.DataPath, .. args]);

    private Task<ServerCommand> RunAsync(params string[] args) => ServerCommand.RunAsync(["--data", _server.DataPath, .. args]);
}
