using System.Text.Json;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>A publish tells what a new tree may do that the one before might not, and refuses it where the settings say so.</summary>
public sealed class PrivilegeTests
{
    private const string Grown = "cp /bin/true tool; chmod 4755 tool; cp /bin/true group; chown 0:42 group; chmod 2755 group; cp /bin/true net; setcap cap_net_raw+ep net; setfattr -n trusted.note -v x net; mknod disk b 8 1; mkdir handed; chmod 2775 handed";

    [Fact]
    public async Task What_a_tree_gains_and_loses_is_said_on_stderr_in_json_and_by_diff()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var first = (await PublishAsync(server)).LastLine;
        Shell.Run(Grown, server.Source);
        var grown = await PublishAsync(server);
        grown.Error.Should().Contain("privileges changed at 4 paths").And.Contain("+ /tool: setuid 0").And.Contain("+ /group: setgid 42")
            .And.Contain("+ /net: security.capability=0x01000002").And.Contain(", trusted.note=0x78").And.Contain("+ /disk: block device 8:1").And.NotContain("handed");

        Shell.Run("chown 7 tool; chmod 4755 tool; setcap -r net; setfattr -x trusted.note net", server.Source);
        var json = JsonDocument.Parse((await ServerCommand.DoAsync("--data", server.DataPath, "publish", "--branch", "stable", "--json", server.Source)).Out).RootElement;
        json.GetProperty("schema").GetString().Should().Be("ctree-server.published/1");
        json.GetProperty("privilegeChanges").GetInt64().Should().Be(2);
        json.GetProperty("privileges").EnumerateArray().Select(c => (c.GetProperty("path").GetString(), c.GetProperty("after").GetString()))
            .Should().Equal(("/net", ""), ("/tool", "setuid 7"));

        var diff = await ServerCommand.RunAsync("--data", server.DataPath, "diff", "--privileges", grown.LastLine, json.GetProperty("commit").GetString()!);
        diff.Exit.Should().Be(1);
        diff.Out.Should().Contain("- /net: security.capability=").And.Contain("! /tool: setuid 0 -> setuid 7");
        (await ServerCommand.RunAsync("--data", server.DataPath, "diff", "--privileges", first, first)).Exit.Should().Be(0);
        server.WriteSource("file", "two");
        (await PublishAsync(server)).Error.Should().NotContain("privileges");
    }

    [Fact]
    public async Task Where_the_settings_refuse_it_only_who_says_so_on_the_servers_data_publishes_it()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var first = (await PublishAsync(server)).LastLine;
        server.WriteSettings("# nobody gains anything unseen\npublish.privileged = refuse\n");
        Shell.Run(Grown, server.Source);
        string[] remotely = ["publish", "--branch", "stable", "--server", server.Url, "--token", server.NewToken(TokenRole.Publisher), "--cache", server.Cache, server.Source];

        var refused = await ServerCommand.RunAsync("--data", server.DataPath, "publish", "--branch", "stable", server.Source);
        (refused.Exit, refused.Out).Should().Be((12, ""));
        refused.Error.Should().Contain("4 paths gain privileges").And.Contain("--allow-privileged");
        (await ServerCommand.RunAsync(remotely)).Exit.Should().Be(12);
        (await ServerCommand.DoAsync("--data", server.DataPath, "show", "stable")).Out.Should().Contain(first);

        await ServerCommand.DoAsync("--data", server.DataPath, "publish", "--branch", "stable", "--allow-privileged", server.Source);
        // What it has already, it has not gained; and losing it needs nobody's word.
        server.WriteSource("file", "two");
        await ServerCommand.DoAsync(remotely);
        Shell.Run("chmod 755 tool; rm net disk", server.Source);
        await ServerCommand.DoAsync(remotely);
    }

    [Theory]
    [InlineData("publish.privileged = maybe")]
    [InlineData("publish.privilege = refuse")]
    [InlineData("nonsense")]
    public async Task A_setting_that_cannot_be_used_stops_the_publish(string line)
    {
        await using var server = await TestServer.StartAsync();
        Shell.Run(Grown, server.Source);
        server.WriteSettings(line);
        var result = await ServerCommand.RunAsync("--data", server.DataPath, "publish", "--branch", "stable", server.Source);
        (result.Exit, result.Error).Should().Be((1, result.Error));
        result.Error.Should().Contain("server.conf:1");
    }

    private static Task<ServerCommand> PublishAsync(TestServer server) =>
        ServerCommand.DoAsync("--data", server.DataPath, "publish", "--branch", "stable", server.Source);
}
