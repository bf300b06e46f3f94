namespace ContentTree.Tests.Deploy;

/// <summary>The verbs that say what a device may take: switch, deny, allow, hold, release, keep, unkeep, rollback, confirm.</summary>
public sealed class SteeringTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestDevice _device = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Publish("echo one > file", version: "1");
        _device = await TestDevice.EnrolledAsync(_server);
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_held_device_takes_nothing_until_it_is_released()
    {
        (await _device.RunAsync("hold")).Code.Should().Be(0);
        var held = await _device.RunAsync("update");
        held.Code.Should().Be(16);
        held.Error.Should().Contain("ctree release");
        _device.Deployments().Should().BeEmpty();
        (await _device.JsonAsync("status"))["held"]!.GetValue<bool>().Should().BeTrue();
        (await _device.RunAsync("release")).Code.Should().Be(0);
        await _device.UpdateAsync();
        _device.Deployments().Should().HaveCount(1);
    }

    [Fact]
    public async Task A_recovery_deployment_is_pinned_kept_and_booted_when_all_else_fails()
    {
        await _device.TakeAsync();
        var first = _device.Deployments().Single();
        (await _device.RunAsync("keep", "1", "--recovery")).Code.Should().Be(0);
        foreach (var version in new[] { "2", "3", "4" })
        {
            _server.Publish($"echo {version} > file", version: version);
            await _device.TakeAsync();
        }
        _device.Deployments().Should().Contain(first);
        foreach (var name in _device.Deployments().Where(d => d != first))
            File.Delete(Path.Combine(_device.Layout.Deployments, name + ".ok"));
        _device.BootNow().Should().Be(first);

        (await _device.RunAsync("unkeep", "1")).Code.Should().Be(0);
        _device.Layout.ReadRecovery().Should().BeNull();
    }

    [Fact]
    public async Task What_the_selector_would_boot_for_recovery_stays_also_where_no_pin_says_so()
    {
        await _device.TakeAsync();
        var first = _device.Deployments().Single();
        File.WriteAllText(_device.Layout.Recovery, first + "\n");
        foreach (var version in new[] { "2", "3", "4" })
        {
            _server.Publish($"echo {version} > file", version: version);
            await _device.TakeAsync();
        }
        _device.Deployments().Should().Contain(first).And.HaveCount(3);
    }

    [Fact]
    public async Task A_hold_until_a_past_moment_or_a_word_is_wrong_usage()
    {
        foreach (var until in new[] { "2001-01-01", "tomorrow" })
            (await _device.RunAsync("hold", "--until", until)).Code.Should().Be(2);
        (await _device.JsonAsync("status"))["held"]!.GetValue<bool>().Should().BeFalse();
        var document = await _device.JsonAsync("hold", "--until", "2h");
        document["heldUntil"]!.GetValue<DateTimeOffset>().Should().BeCloseTo(DateTimeOffset.UtcNow.AddHours(2), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_denied_commit_is_not_taken_until_it_is_allowed()
    {
        await _device.TakeAsync();
        var bad = _server.Publish("echo two > file");
        (await _device.RunAsync("deny", $"{bad}")).Code.Should().Be(0);
        var denied = await _device.RunAsync("update");
        denied.Code.Should().Be(16);
        denied.Error.Should().Contain($"ctree allow {bad}");
        _device.Deployments().Should().HaveCount(1);
        (await _device.RunAsync("allow", bad.ToString()[..8])).Code.Should().Be(0);
        await _device.UpdateAsync();
        _device.Deployments().Should().HaveCount(2);
    }

    [Fact]
    public async Task Switching_to_a_commit_overrides_the_deny_list_and_stays_there()
    {
        var first = _server.Data.Trust.Load().VerifyHead(_server.ReadHead(), Store.Objects.BranchName.Parse("main")).Commit;
        _server.Publish("echo two > file");
        (await _device.RunAsync("deny", $"{first}")).Code.Should().Be(0);
        var document = await _device.JsonAsync("switch", $"{first}");
        document["pinned"]!.GetValue<string>().Should().Be(first.ToString());
        document["denied"]!.AsArray().Should().BeEmpty();
        await _device.UpdateAsync();
        _device.Deployments().Should().Equal($"1-{first.ToString()[..8]}");
        (await _device.JsonAsync("update"))["action"]!.GetValue<string>().Should().Be("none");
    }

    [Fact]
    public async Task Switching_to_another_branch_follows_it()
    {
        await _device.TakeAsync();
        var other = _server.Publish("echo beta > file", "beta");
        (await _device.RunAsync("switch", "beta")).Code.Should().Be(0);
        (await _device.JsonAsync("update"))["commit"]!.GetValue<string>().Should().Be(other.ToString());
    }

    [Fact]
    public async Task Switching_to_an_unknown_branch_or_commit_changes_nothing()
    {
        (await _device.RunAsync("switch", "nowhere")).Code.Should().Be(17);
        (await _device.RunAsync("switch", new string('5', 64))).Code.Should().Be(17);
        var status = await _device.JsonAsync("status");
        status["branch"]!.GetValue<string>().Should().Be("main");
        status["pinned"].Should().BeNull();
    }

    [Fact]
    public async Task A_switch_without_a_network_is_taken_and_says_that_nobody_checked_it()
    {
        _server.Link.Spoil = (_, answer) => answer.CutAfter = -1;
        var result = await _device.RunAsync("switch", "beta");
        result.Code.Should().Be(0);
        result.Error.Should().Contain("not checked");
        (await _device.JsonAsync("status"))["branch"]!.GetValue<string>().Should().Be("beta");
    }

    [Fact]
    public async Task A_rolled_back_commit_is_left_alone_until_switch_or_the_next_one()
    {
        await _device.TakeAsync();
        _server.Publish("echo two > file");
        await _device.TakeAsync();
        (await _device.RunAsync("rollback")).Code.Should().Be(0);
        (await _device.RunAsync("rollback")).Code.Should().Be(0);
        _device.Boot.Read()!.Wanted.Number.Should().Be(1, "said twice it is one rollback");
        (await _device.JsonAsync("update"))["action"]!.GetValue<string>().Should().Be("skipped");
        (await _device.RunAsync("switch", "main")).Code.Should().Be(0);
        (await _device.JsonAsync("update"))["action"]!.GetValue<string>().Should().Be("deployed");
    }

    [Fact]
    public async Task Without_a_trial_there_is_nothing_to_confirm_and_without_a_past_nothing_to_roll_back()
    {
        (await _device.RunAsync("confirm")).Code.Should().Be(5);
        (await _device.RunAsync("rollback")).Code.Should().Be(5);
        await _device.TakeAsync();
        (await _device.RunAsync("confirm")).Code.Should().Be(5);
        (await _device.RunAsync("rollback")).Code.Should().Be(5);
        _device.Boot.Read()!.Wanted.Number.Should().Be(1);
    }

    [Fact]
    public async Task Retention_keeps_what_runs_what_it_falls_back_to_and_what_is_kept()
    {
        await _device.TakeAsync();
        (await _device.RunAsync("keep", "1")).Code.Should().Be(0);
        for (var i = 2; i <= 5; i++)
        {
            _server.Publish($"echo {i} > file");
            await _device.TakeAsync();
        }
        _device.Deployments().Select(name => name.Split('-')[0]).Should().Equal("1", "4", "5");
        (await _device.RunAsync("unkeep", _device.Deployments()[0])).Code.Should().Be(0);
        var gone = await _device.JsonAsync("gc");
        gone["deployments"]!.GetValue<int>().Should().Be(1);
        gone["objects"]!.GetValue<long>().Should().BePositive();
        _device.Deployments().Select(name => name.Split('-')[0]).Should().Equal("4", "5");
        (await _device.RunAsync("rollback")).Code.Should().Be(0);
        _device.Boot.Read()!.Wanted.Number.Should().Be(4);
    }

    [Fact]
    public async Task Keeping_a_deployment_that_is_not_there_is_not_found()
    {
        (await _device.RunAsync("keep", "7")).Code.Should().Be(17);
        (await _device.RunAsync("unkeep", "7-01234567")).Code.Should().Be(17);
    }

    [Fact]
    public async Task Garbage_collection_spares_a_running_deployment_without_marker()
    {
        await _device.TakeAsync();
        var running = _device.Deployments().Single();
        File.Delete(Path.Combine(_device.Layout.Deployments, running + ".ok"));
        await _device.RunAsync("gc");
        File.ReadAllText(Path.Combine(_device.Layout.Deployments, running, "file")).Should().Be("one\n");
    }

    [Fact]
    public async Task Deploying_again_builds_a_new_deployment_only_when_asked()
    {
        await _device.TakeAsync();
        var commit = (await _device.JsonAsync("status"))["deployments"]![0]!["commit"]!.GetValue<string>();
        (await _device.JsonAsync("deploy", commit))["deployment"]!.GetValue<string>().Should().StartWith("1-");
        (await _device.JsonAsync("deploy", "--again", commit[..8]))["deployment"]!.GetValue<string>().Should().StartWith("2-");
        _device.Deployments().Should().HaveCount(2);
    }

    [Fact]
    public async Task The_log_tells_in_order_what_happened()
    {
        await _device.TakeAsync();
        _server.Publish("echo two > file");
        await _device.UpdateAsync();
        for (var i = 0; i < 4; i++)
            _device.BootNow();
        (await _device.RunAsync("update")).Code.Should().Be(16, "what fell back is denied");
        var log = (await _device.JsonAsync("log"))["entries"]!.AsArray();
        var kinds = log.Select(entry => entry!["kind"]!.GetValue<string>()).ToArray();
        // The selector writes whole seconds, so its lines may stand a little early.
        kinds.Count(kind => kind == "boot").Should().Be(5);
        kinds.Where(kind => kind != "boot").Should().ContainInOrder("deployed", "updated", "confirmed", "deployed", "updated", "fell-back", "failed");
        log.Select(entry => entry!["time"]!.GetValue<DateTimeOffset>()).Should().BeInAscendingOrder();
        (await _device.JsonAsync("log", "-n", "1"))["entries"]!.AsArray().Should().HaveCount(1);
    }
}
