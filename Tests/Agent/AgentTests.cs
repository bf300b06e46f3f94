using ContentTree.BootFile;
using ContentTree.Deploy;
using ContentTree.Deploy.State;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Agent;

/// <summary>The agent's loop against the real server, with the real selector.</summary>
[Trait("Category", "Slow")]
public sealed class AgentTests : IAsyncLifetime
{
    private const string Sick = "#!/bin/sh\nexit 3\n";

    private TestServer _server = null!;
    private TestDevice _device = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _device = await TestDevice.EnrolledAsync(_server);
        _device.Configure("[poll]\ninterval = 1s\nretry-min = 10ms\nretry-max = 50ms\n[health]\nsettle = 0s\n");
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task It_takes_what_is_published_and_confirms_it_once_it_runs_and_the_server_knows()
    {
        var commit = Publish(1);
        await using var agent = new TestAgent(_device);

        await agent.HearsAsync("READY=1");
        await agent.HearsAsync($"STATUS=deployed: {commit}");
        await agent.HearsAsync("a reboot starts 1-");
        _device.Boot.Read()!.State.Should().Be(BootState.Trial, "what does not run cannot be confirmed");

        _device.BootNow();
        await agent.HearsAsync($"1-{commit.ToString()[..8]} is good: confirmed");
        _device.Boot.Read()!.State.Should().Be(BootState.Good);
        await agent.HearsAsync($"STATUS=up to date: {commit}");
        var known = _server.Devices.List(10, null).Single();
        (known.Boot, known.Running, known.LastEvent?.Kind).Should().Be(("good", (ObjectId?)commit, EventKind.Confirmed));
    }

    [Fact]
    public async Task A_required_check_that_fails_keeps_the_trial_open_until_it_passes()
    {
        await TrialAsync();
        Check("10-good", "#!/bin/sh\nexit 0\n");
        Check("20-sick", Sick);
        await using var agent = new TestAgent(_device);

        await agent.HearsAsync("20-sick ended with 3");
        _device.Boot.Read()!.State.Should().Be(BootState.Trial);

        Check("20-sick", "#!/bin/sh\nexit 0\n");
        await agent.HearsAsync("is good: confirmed");
        _device.Boot.Read()!.State.Should().Be(BootState.Good);
    }

    [Fact]
    public async Task A_trial_that_does_not_reach_the_server_stays_one()
    {
        await TrialAsync();
        _server.Link.Spoil = (_, answer) => answer.Replace(503, "text/plain", "not now");
        await using var agent = new TestAgent(_device);

        await agent.HearsAsync("is not confirmed yet: the server has not been reached from it");
        _device.Boot.Read()!.State.Should().Be(BootState.Trial);

        _server.Link.Spoil = (_, _) => { };
        await agent.HearsAsync("is good: confirmed");
    }

    [Fact]
    public async Task A_server_that_the_configuration_refuses_keeps_no_trial_from_being_judged()
    {
        await TrialAsync();
        _device.Configure("[server]\nurl = http://192.0.2.1\nallow-http = false\n[health]\nreach = 1s\n");
        await using var agent = new TestAgent(_device);

        await agent.HearsAsync("is not confirmed yet: the server has not been reached from it");
    }

    [Fact]
    public async Task A_trial_is_judged_whatever_the_server_says_of_the_next_poll()
    {
        using var device = await TestDevice.EnrolledAsync(_server);
        device.Configure("[health]\nsettle = 0s\n");
        Publish(1);
        await device.UpdateAsync();
        device.BootNow();
        var spoilt = 0;
        _server.Link.Spoil = (_, answer) =>
        {
            var whole = answer.Body;
            answer.Say("\"interval\":", "\"interval\":99999999999");
            spoilt += answer.Body.Length - whole.Length;
        };
        await using var agent = new TestAgent(device);
        await agent.HearsAsync("is good: confirmed");
        spoilt.Should().BePositive();
    }

    [Fact]
    public async Task Checks_must_go_on_passing_before_a_trial_is_confirmed()
    {
        await TrialAsync();
        _device.Configure("[health]\nsettle = 2s\n");
        var runs = Path.Combine(_device.Root, "runs");
        Check("10-counts", $"#!/bin/sh\necho run >>'{runs}'\n");
        await using var agent = new TestAgent(_device);

        await agent.HearsAsync("is well so far");
        _device.Boot.Read()!.State.Should().Be(BootState.Trial);
        await agent.HearsAsync("is good: confirmed");
        File.ReadAllLines(runs).Length.Should().BeGreaterThan(1);
    }

    [Fact]
    public async Task A_trial_whose_checks_failed_is_denied_with_their_words_and_the_server_has_its_black_box()
    {
        var bad = await SecondAsync();
        Check("20-sick", "#!/bin/sh\necho no camera found; exit 3\n");
        _device.BootNow().Should().StartWith("2-");
        await using (var sick = new TestAgent(_device))
            await sick.HearsAsync("20-sick ended with 3");
        FallBack();
        await using var agent = new TestAgent(_device);

        await agent.HearsAsync($"commit {bad} is denied here (failed-health: ");
        await agent.HearsAsync("is denied here");
        var boxes = new BlackBoxes(_server.Data.OpenDatabase(), TimeProvider.System);
        var device = _server.Devices.List(10, null).Single();
        var box = boxes.List(device.Id).Should().ContainSingle().Subject;
        box.Commit.Should().Be(bad);
        boxes.Read(device.Id, box.Deployment).Text.Should().Contain("reason=failed-health").And.Contain("no camera found").And.Contain("boot 2-").And.Contain("Sick: ");
        Directory.GetFiles(Path.Combine(_device.Root, "ctree/state/blackbox")).Should().ContainSingle().Which.Should().EndWith(".sent");
        (device.Failed, device.LastEvent?.Kind).Should().Be(((ObjectId?)bad, EventKind.FellBack));
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_trial_that_lost_the_network_is_denied_for_a_while_if_the_tree_before_it_has_one()
    {
        var bad = await SecondAsync();
        await LoseNetworkAsync();
        _server.Link.Spoil = (_, _) => { };
        _device.Configure("[health]\nreach = 1h\n");
        await using var agent = new TestAgent(_device);

        await agent.HearsAsync($"commit {bad} is denied here (lost-network: ");
        (await File.ReadAllTextAsync(Path.Combine(_device.Root, "ctree/state/denied"))).Should().Contain("count=1 until=");
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_trial_that_lost_the_network_is_taken_again_if_the_tree_before_it_had_none_either()
    {
        var second = await SecondAsync();
        await LoseNetworkAsync();
        await using (var waiting = new TestAgent(_device))
            await waiting.HearsAsync("answered 503");
        _device.Boot.Read()!.Should().Match<BootRecord>(record => record.State == BootState.Good && record.Wanted.Number == 1);
        await Task.Delay(TimeSpan.FromSeconds(1.1)); // Longer than health.reach: nobody had a network.
        _server.Link.Spoil = (_, _) => { };
        await using var agent = new TestAgent(_device);

        await agent.HearsAsync($"STATUS=deployed: {second}");
        File.Exists(Path.Combine(_device.Root, "ctree/state/denied")).Should().BeFalse();
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_trial_without_any_link_waits_until_there_is_one_and_has_its_time_from_then_on()
    {
        Carrier("1");
        var second = await SecondAsync();
        _device.Configure("[health]\nreach = 4s\n[transfer]\nattempts = 1\n");
        _device.BootNow().Should().StartWith("2-");
        var tries = _device.Boot.Read()!.TriesLeft;
        Carrier("0");
        _server.Link.Spoil = (_, answer) => answer.Replace(503, "text/plain", "not now");
        await using var agent = new TestAgent(_device);

        await agent.HearsAsync("no network interface has a link");
        await Task.Delay(TimeSpan.FromSeconds(5));
        Carrier("1");
        for (var patience = 0; patience < 100 && Diary().Contains("no network interface", StringComparison.Ordinal); patience++)
            await Task.Delay(100);
        await Task.Delay(TimeSpan.FromSeconds(1));
        _device.Boot.Read()!.Should().Match<BootRecord>(record => record.State == BootState.Trial && record.TriesLeft == tries, "an access point is down");
        _server.Link.Spoil = (_, _) => { };
        await agent.HearsAsync($"2-{second.ToString()[..8]} is good: confirmed");
    }

    [Fact]
    public async Task An_access_point_that_stays_down_costs_one_look_with_the_tree_before_and_the_update_comes_back_by_itself()
    {
        Carrier("1");
        var second = await SecondAsync();
        Carrier("0");
        _device.Configure("[health]\nlink-wait = 1s\n");
        await LoseNetworkAsync();
        for (var boot = 0; boot < 2; boot++)
        {
            await using var waiting = new TestAgent(_device);
            await waiting.HearsAsync("answered 503");
            _device.BootNow().Should().StartWith("1-", "it looks once, and then waits");
        }
        _device.Boot.Read()!.State.Should().Be(BootState.Good);
        await Task.Delay(TimeSpan.FromSeconds(1.1)); // Longer than health.reach: nobody had a network.
        Carrier("1");
        _server.Link.Spoil = (_, _) => { };
        await using (var agent = new TestAgent(_device))
            await agent.HearsAsync($"STATUS=deployed: {second}");
        var name = _device.BootNow();
        await using (var agent = new TestAgent(_device))
            await agent.HearsAsync($"{name} is good: confirmed");
        name.Should().EndWith($"-{second.ToString()[..8]}");
        File.Exists(Path.Combine(_device.Root, "ctree/state/denied")).Should().BeFalse("no site pays for its access point");
    }

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData("0", "link-wait = 1s", "a link that stays away is looked for with the tree before")]
    [InlineData("1", "link-wait = 1h", "with a link only the time that counts without one is over")]
    public async Task A_trial_without_the_server_ends_when_its_time_is_over(string carrier, string setting, string because)
    {
        Carrier("1");
        await SecondAsync();
        Carrier(carrier);
        _device.Configure($"[health]\n{setting}\n");
        await LoseNetworkAsync();
        _device.Boot.Read()!.State.Should().Be(BootState.Fallback, because);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_trial_in_which_the_agent_found_nothing_wrong_is_tried_again_later()
    {
        var second = await SecondAsync();
        _device.Configure("[health]\nsettle = 1h\n");
        _device.BootNow().Should().StartWith("2-");
        await using (var well = new TestAgent(_device))
            await well.HearsAsync("is well so far");
        FallBack();
        await using var agent = new TestAgent(_device);

        await agent.HearsAsync($"commit {second} is denied here (interrupted: ");
        (await File.ReadAllTextAsync(Path.Combine(_device.Root, "ctree/state/denied"))).Should().Contain("count=1 until=");
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task With_one_try_and_a_person_to_confirm_the_next_boot_falls_back()
    {
        _device.Configure("[boot]\ntries = 1\n");
        var second = await SecondAsync();
        _device.Configure("[health]\nconfirm = manual\n");
        _device.BootNow().Should().StartWith("2-");
        await using (var waiting = new TestAgent(_device))
            await waiting.HearsAsync($"STATUS=up to date: {second}");
        _device.BootNow().Should().StartWith("1-");
        await using var agent = new TestAgent(_device);
        await agent.HearsAsync($"commit {second} is denied here (not-confirmed: ");
    }

    [Fact]
    public async Task With_manual_confirmation_it_never_confirms_and_waits_with_updates()
    {
        await TrialAsync();
        _device.Configure("[health]\nconfirm = manual\n");
        var second = Publish(2);
        await using var agent = new TestAgent(_device);

        for (var round = 0; round < 3; round++)
            await agent.HearsAsync($"STATUS=available: {second}");
        _device.Boot.Read()!.Should().Match<BootRecord>(record => record.State == BootState.Trial && record.Wanted.Number == 1);

        (await _device.RunAsync("confirm", "--wait")).Code.Should().Be(0);
        await agent.HearsAsync($"STATUS=deployed: {second}");
    }

    [Theory]
    [InlineData("download", "STATUS=downloaded:", true)]
    [InlineData("manual", "STATUS=available:", false)]
    public async Task Other_modes_leave_the_boot_file_alone(string mode, string status, bool isFetched)
    {
        _device.Configure($"[update]\nmode = {mode}\n");
        var commit = Publish(1);
        await using var agent = new TestAgent(_device);

        await agent.HearsAsync(status);
        _device.Boot.Read().Should().BeNull();
        using var store = _device.OpenStore();
        store.ContainsCommit(commit).Should().Be(isFetched);
    }

    [Fact]
    public async Task A_marker_file_stops_it_and_it_says_so()
    {
        var marker = Path.Combine(_device.Root, "ctree/do_not_update");
        await File.WriteAllTextAsync(marker, "");
        var commit = Publish(1);
        await using var agent = new TestAgent(_device);

        await agent.HearsAsync($"nothing is done while {marker} exists");
        _device.Boot.Read().Should().BeNull();
        using (var store = _device.OpenStore())
            store.ContainsCommit(commit).Should().BeFalse();

        File.Delete(marker);
        await agent.HearsAsync($"STATUS=deployed: {commit}");
    }

    [Fact]
    public async Task A_word_on_the_kernels_command_line_stops_it_for_this_boot_and_no_person()
    {
        var commandLine = Path.Combine(_device.Root, "proc/cmdline");
        Directory.CreateDirectory(Path.GetDirectoryName(commandLine)!);
        await File.WriteAllTextAsync(commandLine, "quiet ctree.noupdate root=/dev/vda\n");
        const string why = "nothing is done in this boot: ctree.noupdate is on the kernel's command line";
        var commit = Publish(1);
        await using (var agent = new TestAgent(_device))
        {
            await agent.HearsAsync($"available: {commit} (main, sequence 1); {why}");
            await agent.StopAsync();
        }
        var root = new ContentTree.Deploy.DeviceRoot(_device.Root, IsGiven: true);
        using (var device = ContentTree.Deploy.Device.Open(root, ContentTree.Deploy.Config.AgentConfig.Load(root), TimeProvider.System))
            new ContentTree.Deploy.Transfer.DeviceSelf(device).Describe(device.State.Follow.Branch).Hold.Should().BeTrue("the server is told");
        _device.Boot.Read().Should().BeNull();
        using (var store = _device.OpenStore())
            store.ContainsCommit(commit).Should().BeFalse();
        (await _device.RunAsync("status")).Unwrapped.Should().Contain($"stopped    {why}\n");
        ((string?)(await _device.JsonAsync("status"))["stopped"]).Should().Be(why);

        (await _device.RunAsync("pull")).Code.Should().Be(0);
        (await _device.RunAsync("deploy", commit.ToString())).Code.Should().Be(0, "a person is asked by nobody");
        _device.BootNow().Should().StartWith("1-");
        await File.WriteAllTextAsync(commandLine, "quiet ctree.noupdate=0\n");
        (await _device.RunAsync("status")).Output.Should().NotContain("stopped");
    }

    [Fact]
    public async Task From_the_recovery_deployment_of_another_branch_it_takes_the_next_good_commit()
    {
        _server.Publish("mkdir -p usr etc; echo recovery >usr/file", branch: "recovery");
        Publish(1);
        (await _device.RunAsync("switch", "recovery")).Code.Should().Be(0);
        await _device.TakeAsync();
        (await _device.RunAsync("keep", "1", "--recovery")).Code.Should().Be(0);
        (await _device.RunAsync("switch", "main")).Code.Should().Be(0);
        await _device.TakeAsync();
        var bad = Publish(2);
        await _device.UpdateAsync();
        foreach (var expected in new[] { "3-", "3-", "3-", "2-", "2-", "2-", "1-" })
            _device.BootNow().Should().StartWith(expected);

        var good = Publish(3);
        await using (var agent = new TestAgent(_device))
            await agent.HearsAsync($"deployed: {good}");
        _device.BootNow().Should().StartWith("4-");
        (await _device.RunAsync("confirm")).Code.Should().Be(0);
        _device.Boot.Read()!.Should().Match<BootRecord>(record => record.State == BootState.Good && record.Wanted.Number == 4);
        (await _device.RunAsync("status")).Output.Should().Contain($"denied     {bad.ToString()[..12]} ");
    }

    [Fact]
    public async Task It_settles_a_fallback_and_does_not_take_the_commit_again()
    {
        await TrialAsync();
        (await _device.RunAsync("confirm")).Code.Should().Be(0);
        var bad = Publish(2);
        await _device.UpdateAsync();
        for (var boot = 0; boot < BootRecord.DefaultTries; boot++)
            _device.BootNow().Should().StartWith("2-");
        _device.BootNow().Should().StartWith("1-");
        await using var agent = new TestAgent(_device);

        await agent.HearsAsync($"commit {bad} is denied here");
        await agent.HearsAsync("is denied here");
        _device.Boot.Read()!.Should().Match<BootRecord>(record => record.State == BootState.Good && record.Wanted.Number == 1);
        var known = _server.Devices.List(10, null).Single();
        (known.Failed, known.LastEvent?.Kind).Should().Be(((ObjectId?)bad, EventKind.FellBack), "that the commit is denied is no further news");
    }

    [Fact]
    public async Task Power_cuts_before_the_agents_first_word_condemn_no_commit()
    {
        var second = await SecondAsync();
        // Each boot is counted, and then the plug is pulled.
        _device.BootNow().Should().StartWith("2-");
        FallBack();
        await using (var denying = new TestAgent(_device))
            await denying.HearsAsync($"commit {second} is denied here (never-ran: ");
        (await File.ReadAllTextAsync(Path.Combine(_device.Root, "ctree/state/denied"))).Should().Contain("count=1 until=");

        var time = new Server.AdjustableTime { Ahead = TimeSpan.FromMinutes(61) };
        await using (var later = new TestAgent(_device, time: time))
            await later.HearsAsync($"STATUS=deployed: {second}");
        var name = _device.BootNow();
        name.Should().EndWith($"-{second.ToString()[..8]}");
        await using var agent = new TestAgent(_device, time: time);
        await agent.HearsAsync($"{name} is good: confirmed");
        _device.Boot.Read()!.Should().Match<BootRecord>(record => record.State == BootState.Good && record.Wanted.ToString() == name);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task How_often_the_server_was_unreachable_outlives_a_restart()
    {
        Publish(1);
        _server.Link.Spoil = (_, answer) => answer.Replace(503, "text/plain", "not now");
        await using (var agent = new TestAgent(_device))
            await agent.HearsAsync("answered 503");
        var failures = State().Last.Poll!.Failures;
        failures.Should().BePositive();
        await using (var agent = new TestAgent(_device))
            await agent.HearsAsync("answered 503");
        State().Last.Poll!.Failures.Should().BeGreaterThan(failures);

        _server.Link.Spoil = (_, _) => { };
        await using (var agent = new TestAgent(_device))
            await agent.HearsAsync("STATUS=deployed");
        State().Last.Poll!.Failures.Should().Be(0);
    }

    [Fact]
    public async Task It_goes_on_after_a_configuration_that_cannot_be_read_and_tells_who_has_the_lock()
    {
        var commit = Publish(1);
        using (await DeviceLock.TakeAsync(new DeviceRoot(_device.Root, IsGiven: true), "gc", wait: false, CancellationToken.None))
        {
            await using var waiting = new TestAgent(_device);
            await waiting.HearsAsync("(ctree gc)");
        }
        _device.Configure("[update]\nmode = sometimes\n");
        await using (var puzzled = new TestAgent(_device))
            await puzzled.HearsAsync("mode = sometimes is not one of auto, download, manual");
        _device.Configure("[update]\nmode = auto\n");
        await using var agent = new TestAgent(_device);
        await agent.HearsAsync($"STATUS=deployed: {commit}");
    }

    [Fact]
    public async Task Stopping_it_ends_the_check_that_runs()
    {
        await TrialAsync();
        var started = Path.Combine(_device.Root, "started");
        Shell.Run($"mkfifo '{started}'");
        Check("10-endless", $"#!/bin/sh\necho $$ >'{started}'\nexec sleep 1000\n");
        await using var agent = new TestAgent(_device);
        var process = int.Parse(await File.ReadAllTextAsync(started), null);

        await agent.StopAsync();
        await agent.HearsAsync("STOPPING=1");
        Shell.Run($"for i in $(seq 100); do [ -d /proc/{process} ] || exit 0; sleep 0.1; done; exit 1");
    }

    [Fact]
    public async Task The_watchdog_is_fed_while_it_waits()
    {
        await using var agent = new TestAgent(_device, watchdog: TimeSpan.FromMilliseconds(200));
        for (var sign = 0; sign < 5; sign++)
            await agent.HearsAsync("WATCHDOG=1");
    }

    [Fact]
    public async Task A_root_that_was_never_set_up_ends_it_at_once()
    {
        using var device = new TestDevice();
        (await device.RunAsync("agent")).Code.Should().Be((int)ExitCode.NoStore);
    }

    private ObjectId Publish(int version) => _server.Publish($"mkdir -p usr etc; echo {version} >etc/version; echo {version} >usr/file", version: $"{version}");

    // One is good, two waits for its first boot.
    private async Task<ObjectId> SecondAsync()
    {
        await TrialAsync();
        (await _device.RunAsync("confirm")).Code.Should().Be(0);
        var second = Publish(2);
        await _device.UpdateAsync();
        return second;
    }

    private async Task LoseNetworkAsync()
    {
        _device.Configure("[health]\nreach = 1s\n");
        _device.BootNow().Should().StartWith("2-");
        _server.Link.Spoil = (_, answer) => answer.Replace(503, "text/plain", "not now");
        await using (var lost = new TestAgent(_device))
        {
            await lost.HearsAsync("is not confirmed yet: the server has not been reached from it");
            for (var patience = 0; patience < 600 && _device.Boot.Read()!.TriesLeft > 0; patience++)
                await Task.Delay(100);
        }
        _device.Boot.Read()!.TriesLeft.Should().Be(0, "one try without a network is enough");
        _device.BootNow().Should().StartWith("1-");
    }

    // Boots until the tries are used up.
    private void FallBack()
    {
        for (var boot = 0; boot < BootRecord.DefaultTries && _device.Boot.Read()!.State == BootState.Trial; boot++)
            _device.BootNow();
        _device.Boot.Read()!.State.Should().Be(BootState.Fallback);
    }

    private async Task TrialAsync()
    {
        Publish(1);
        await _device.UpdateAsync();
        _device.BootNow();
    }

    private void Check(string name, string script)
    {
        var path = Path.Combine(_device.Root, "ctree/health.d/required", name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        // Renamed into place: a script that somebody is writing cannot be started.
        File.WriteAllText(path + ".new", script);
        Shell.Run($"chmod 755 '{path}.new' && mv '{path}.new' '{path}'");
    }

    private string Diary() => File.ReadAllText(Path.Combine(_device.Root, "ctree/state/trial.json"));

    private void Carrier(string carrier) => FakeInterface.Put(Path.Combine(_device.Root, "sys/class/net/wlan0"), "mmc1:0001:1", carrier);

    private DeviceStateFiles State() => new(new DeviceRoot(_device.Root, IsGiven: true), TimeProvider.System);
}
