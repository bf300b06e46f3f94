using System.Text.Json.Nodes;

namespace ContentTree.Tests.Server;

/// <summary>The ritual "test, then stable", and the way back, on the server's data and from elsewhere.</summary>
public sealed class BranchMoveTests : IAsyncLifetime
{
    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_branch_goes_to_what_another_is_at_and_back_with_its_own_sequence(bool isRemote)
    {
        var (first, second) = (await PublishAsync("test", "one"), await PublishAsync("test", "two"));
        (await MoveAsync(isRemote, "promote", isRemote ? first : first[..12], "stable")).LastLine.Should().Be(first);
        (await MoveAsync(isRemote, "promote", "test", "stable")).LastLine.Should().Be(second);
        (await MoveAsync(isRemote, "promote", "test", "stable")).Error.Should().Contain("sequence 2");
        (await MoveAsync(isRemote, "revert", "stable", first)).LastLine.Should().Be(first);
        var branches = JsonNode.Parse((await ServerCommand.DoAsync("--data", _server.DataPath, "branch", "list", "--json")).Out)!["branches"]!.AsArray();
        branches.Select(b => $"{b!["name"]} {b["sequence"]} {b["commit"]}").Should().BeEquivalentTo($"stable 3 {first}", $"test 2 {second}");
        var objects = Directory.GetFiles(Path.Combine(_server.DataPath, "repo/objects"), "*", SearchOption.AllDirectories);
        objects.Count(o => o.EndsWith(".commit")).Should().Be(2);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_not_there_is_not_found_and_moves_nothing(bool isRemote)
    {
        await PublishAsync("test", "one");
        (await RunAsync(isRemote, "promote", "none", "stable")).Exit.Should().Be(17);
        (await RunAsync(isRemote, "revert", "test", new string('0', 64))).Exit.Should().Be(17);
        (await RunAsync(isRemote, "promote", new string('0', 64), "stable")).Exit.Should().Be(17);
        (await ServerCommand.DoAsync("--data", _server.DataPath, "branch", "list")).Out.Should().NotContain("stable");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_branch_reverts_only_to_where_it_has_been(bool isRemote)
    {
        var (own, other) = (await PublishAsync("stable", "one"), await PublishAsync("test", "two"));
        var refused = await RunAsync(isRemote, "revert", "stable", other);
        refused.Exit.Should().Be(17);
        refused.Error.Should().Contain("never was at");
        await PublishAsync("stable", "three");
        (await MoveAsync(isRemote, "revert", "stable", own)).LastLine.Should().Be(own);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_private_branch_is_not_shown_by_a_slip(bool isRemote)
    {
        await MoveAsync(isRemote, "create", "secret", "--private");
        var commit = await PublishAsync("secret", "one");
        var refused = await RunAsync(isRemote, "promote", "secret", "stable");
        refused.Exit.Should().Be(2);
        refused.Error.Should().Contain("private");
        (await MoveAsync(isRemote, "promote", commit, "stable")).LastLine.Should().Be(commit);
    }

    private async Task<string> PublishAsync(string branch, string content)
    {
        _server.WriteSource("file", content);
        return (await ServerCommand.DoAsync("--data", _server.DataPath, "publish", "--branch", branch, _server.Source)).LastLine;
    }

    private async Task<ServerCommand> MoveAsync(bool isRemote, params string[] words)
    {
        var moved = await RunAsync(isRemote, words);
        moved.Exit.Should().Be(0, moved.Error);
        return moved;
    }

    private Task<ServerCommand> RunAsync(bool isRemote, params string[] words) => ServerCommand.RunAsync(isRemote
        ? ["branch", .. words, "--server", _server.Url, "--token", _server.Admin]
        : ["--data", _server.DataPath, "branch", .. words]);
}
