using ContentTree.BootFile;
using ContentTree.BootSelector;
using ContentTree.Store.Objects;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.EndToEnd;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Agent;

/// <summary>Link mode on a root that was given: the real selector program swaps the link, the agent tries, confirms and goes back.</summary>
[Trait("Category", "Slow")]
public sealed class LinkModeTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestDevice _device = null!;

    private string Link => Path.Combine(_device.Root, "opt/example/current");

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _device = await TestDevice.EnrolledAsync(_server);
        _device.Configure($"""
            [poll]
            interval = 1s
            retry-min = 10ms
            retry-max = 50ms
            [health]
            settle = 0s
            deadline = 1s
            [link]
            path = {Link}
            activate = {StaticSelector.Path} --root "$CTREE_ROOT" --link "$CTREE_LINK" >>"$CTREE_ROOT/activated" 2>&1

            """);
    }

    public async Task DisposeAsync()
    {
        Shell.Run($"for d in '{_device.Layout.Deployments}'/*; do umount -l \"$d\" 2>/dev/null; done; true");
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task The_agent_activates_confirms_and_falls_back_within_the_running_system()
    {
        var first = Publish("one");
        await using (var agent = new TestAgent(_device))
        {
            await agent.HearsAsync($"1-{first.ToString()[..8]} is good: confirmed");
            agent.Said.Should().ContainMatch($"*activate: deployed: {first} (main, sequence 1) as 1-{first.ToString()[..8]}").And.NotContainMatch("*reboot*");
            Content().Should().Be("one\n");

            Require("grep -qv broken '" + Link + "/file'");
            var second = Publish("broken");
            await agent.HearsAsync("is not confirmed yet");
            await agent.HearsAsync($"commit {second} is denied here (failed-health: ");
            Content().Should().Be("one\n");
            _device.Boot.Read()!.Should().Match<BootRecord>(record => record.State == BootState.Good && record.Wanted.Number == 1);

            var third = Publish("three");
            await agent.HearsAsync($"-{third.ToString()[..8]} is good: confirmed");
            Content().Should().Be("three\n");
        }
    }

    [Fact]
    public async Task What_was_activated_by_hand_is_judged_by_the_agent_long_before_its_next_poll()
    {
        var first = Publish("one");
        _device.Configure("[poll]\ninterval = 12h\n");
        await using var agent = new TestAgent(_device);
        await agent.HearsAsync($"1-{first.ToString()[..8]} is good: confirmed");
        await agent.HearsAsync("STATUS=up to date");
        var second = Publish("two");
        await Eventually.TrueAsync(async () => (await _device.RunAsync("update")).Code == 0);
        await agent.HearsAsync($"2-{second.ToString()[..8]} is good: confirmed");
    }

    [Fact]
    public async Task By_hand_update_and_rollback_follow_at_once()
    {
        Publish("one");
        (await _device.RunAsync("update")).Code.Should().Be(0);
        Content().Should().Be("one\n");
        (await _device.RunAsync("confirm")).Code.Should().Be(0);
        Publish("two");
        (await _device.RunAsync("plan")).Output.Should().Contain("afterwards the link is swapped");
        (await _device.JsonAsync("update"))["rebootNeeded"]!.GetValue<bool>().Should().BeFalse();
        Content().Should().Be("two\n");
        (await _device.RunAsync("rollback")).Output.Should().Contain("is the good one");
        Content().Should().Be("one\n");
        (await _device.RunAsync("verify")).Code.Should().Be(0);
    }

    [Fact]
    public async Task A_selector_that_does_not_run_changes_nothing()
    {
        Publish("one");
        (await _device.RunAsync("update")).Code.Should().Be(0);
        (await _device.RunAsync("confirm")).Code.Should().Be(0);
        _device.Configure("[link]\nactivate = /nowhere/ctree-select\n");
        Publish("two");
        var failed = await _device.RunAsync("update");
        failed.Code.Should().Be(1);
        failed.Error.Should().Contain("leads where it led");
        Content().Should().Be("one\n");
    }

    private ObjectId Publish(string content) => _server.Publish($"echo {content} > file", version: content);

    private string Content() => File.ReadAllText(Path.Combine(Link, "file"));

    private void Require(string command)
    {
        var path = Path.Combine(_device.Root, "ctree/health.d/required/10-file");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, $"#!/bin/sh\n{command}\n");
        Shell.Run($"chmod 755 '{path}'");
    }
}
