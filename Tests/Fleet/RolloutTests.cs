using System.Data.Common;
using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Storage;
using ContentTree.Server.Webhooks;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Fleet;

/// <summary>Rollouts by the command line, over HTTP and by plan, on devices that poll a real server which may end at any point.</summary>
public sealed class RolloutTests : IAsyncLifetime
{
    private readonly List<FleetDevice> _devices = [];
    private readonly List<ObjectId> _commits = [];
    private TestServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        Publish();
        for (var i = 0; i < 6; i++)
            _devices.Add(await FleetDevice.EnrolledAsync(_server, name: $"lab-{i}"));
        await DoAsync("branch", "pin", "stable", $"{_commits[0]}");
        Publish();
        await PollAsync();
    }

    public async Task DisposeAsync()
    {
        _devices.ForEach(d => d.Dispose());
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Waves_follow_each_other_when_devices_came_up_healthy_and_were_watched()
    {
        await DoAsync("rollout", "start", "--branch", "stable", "--to", "stable", "--wave", Names(0, 1), "--wave", "100%", "--soak", "1h");
        _devices[1].IsSlow = true;
        await PollAsync();
        await UntilAsync(1, r => r is { State: "running", Wave: 0 });
        Running().Should().Equal(1, 0, 0, 0, 0, 0);
        _devices[1].IsSlow = false;
        await PollAsync();
        await UntilAsync(1, r => r.Reached is not null);
        Running().Should().Equal(1, 1, 0, 0, 0, 0);
        _server.Time.Ahead += TimeSpan.FromMinutes(61);
        await UntilAsync(1, r => r is { State: "running", Wave: 1, Reached: null });
        await PollAsync();
        Running().Should().AllBeEquivalentTo(1);
        await UntilAsync(1, r => r.Reached is not null);
        _server.Time.Ahead += TimeSpan.FromMinutes(61);
        await UntilAsync(1, r => r.State == "finished");
        ByServer().Should().Equal("rollout.next: Running, wave 1 > Running, wave 2", "rollout.finish: Running, wave 2 > Finished, wave 2");
        (await DoAsync("device", "show", $"{_devices[3].Id}")).Should().Contain("said by       rollout 1: pin");
        using var late = await FleetDevice.EnrolledAsync(_server);
        late.Running.Should().Be(_commits[1]);
    }

    [Fact]
    public async Task What_the_server_does_with_a_rollout_stands_in_the_audit_log_or_is_not_done()
    {
        _devices[1].Bad = _commits[1];
        await DoAsync("rollout", "start", "--branch", "stable", "--to", "stable", "--wave", Names(0, 1), "--wave", "100%", "--on-failure", "revert");
        var database = _server.Data.OpenDatabase();
        var steps = new RolloutSteps(_server.Data, database, new Decisions(_server.Data, database, _server.Time), _server.Time);
        using (new RefusedWrites(database, "audit"))
        {
            await PollAsync();
            using var connection = database.Connect();
            FluentActions.Invoking(() => steps.Follow(connection, RolloutBook.Find(connection, 1))).Should().Throw<DbException>();
            RolloutBook.Find(connection, 1).State.Should().Be(RolloutState.Running);
        }
        await UntilAsync(1, r => r.State == "reverted");
        ByServer().Should().Equal("rollout.revert: Running, wave 1 > Reverted, wave 1");
    }

    [Fact]
    public void Of_what_failed_on_a_device_the_newest_is_remembered_however_much_failed_before()
    {
        using var connection = _server.Data.OpenDatabase().Connect();
        var (device, now) = (_devices[0].Id, _server.Time.GetUtcNow());
        ObjectId[] failed = [.. Enumerable.Range(0, 60).Select(i => ObjectId.Of(BitConverter.GetBytes(i)))];
        foreach (var (i, commit) in failed.Index())
            RolloutBook.Note(connection, device, new PollRequest(BranchName.Parse("stable"), "good", 1, 0, Failed: commit), now.AddMinutes(i / 2));
        connection.Query("SELECT commit_id FROM refusals WHERE device = $id", row => row.GetString(0), ("$id", device)).Order().Should().Equal(failed[10..].Select(c => $"{c}").Order());
    }

    [Fact]
    public async Task A_device_that_falls_back_stops_it_and_those_that_were_updated_return()
    {
        _devices[1].Bad = _commits[1];
        var outbox = new Outbox(_server.Data.OpenDatabase(), _server.Time);
        var webhook = outbox.Create(new WebhookRequest("http://192.0.2.1/", ["rollout.*", "device.fell-back"])).Id;
        await DoAsync("rollout", "start", "--branch", "stable", "--to", "stable", "--wave", Names(0, 1), "--wave", "100%", "--on-failure", "revert");
        await PollAsync();
        await UntilAsync(1, r => r.State == "reverted");
        await PollAsync();
        outbox.Deliveries(webhook, 10).Select(d => d.Event).Should().Contain("rollout.moved");
        Running().Should().AllBeEquivalentTo(0);
        (await DoAsync("rollout", "show", "1")).Should().MatchRegex($@"{_devices[1].Id}\s+lab-1");

        await DoAsync("rollout", "start", "--branch", "stable", "--to", "stable", "--wave", Names(1, 2), "--max-failures", "5");
        await PollAsync();
        Running().Should().Equal(0, 0, 1, 0, 0, 0);
        (await DoAsync("rollout", "show", "2")).Should().MatchRegex(@">1\s+named\s+2\s+1\s+1\s+0\s+0", "what failed on a device is not offered to it again");
    }

    [Fact]
    public async Task People_steer_it()
    {
        await DoAsync("rollout", "start", "--branch", "stable", "--to", "stable", "--wave", Names(0), "--wave", Names(1), "--wave", "100%", "--approval", "start");
        await PollAsync();
        Running().Should().AllBeEquivalentTo(0, "nobody has approved");
        await DoAsync("rollout", "approve", "1", "--reason", "looked at it");
        await PollAsync();
        Running().Should().Equal(1, 0, 0, 0, 0, 0);
        await DoAsync("rollout", "pause", "1");
        await DoAsync("rollout", "next", "1");
        await PollAsync();
        Running().Should().Equal(1, 1, 0, 0, 0, 0);
        (await RunAsync("branch", "release", "stable")).Should().Be(18, "a rollout is at work");
        (await RunAsync("rollout", "start", "--branch", "stable", "--to", "stable")).Should().Be(18);
        (await RunAsync("rollout", "approve", "1")).Should().Be(18);
        (await RunAsync("rollout", "approve", "7")).Should().Be(17);
        await DoAsync("rollout", "abort", "1", "--reason", "the fair");
        await PollAsync();
        Running().Should().Equal(1, 1, 0, 0, 0, 0);
        await DoAsync("rollout", "revert", "1");
        await PollAsync();
        Running().Should().AllBeEquivalentTo(0);
    }

    [Fact]
    public async Task Each_new_head_goes_out_by_the_plan_and_a_later_one_takes_its_place()
    {
        await DoAsync("branch", "pin", "stable", "stable");
        await PollAsync();
        await DoAsync("rollout", "plan", "--branch", "stable", "--wave", Names(0), "--wave", "100%", "--soak", "0s");
        Publish();
        _devices[1].IsSlow = true;
        await UntilAsync(1, r => r.Commit == _commits[2]);
        await PollAsync(_devices[1..]);
        Running()[1..].Should().AllBeEquivalentTo(1);
        await PollAsync(_devices[..1]);
        _devices[0].Running.Should().Be(_commits[2]);
        await UntilAsync(1, r => r.Wave == 1);
        Publish();
        await UntilAsync(2, r => r.Commit == _commits[3]);
        await PollAsync(_devices[1..]);
        (await DoAsync("rollout", "list")).Should().MatchRegex(@"1 +branch:stable.*aborted.*has gone on to sequence 4");
        Running()[1..].Should().AllBeEquivalentTo(1, "the first rollout's next wave is over, the second has not reached them");
        await PollAsync(_devices[..1]);
        await UntilAsync(2, r => r.Wave == 1);
        _devices[1].IsSlow = false;
        await PollAsync();
        await UntilAsync(2, r => r.State == "finished");
        Running().Should().AllBeEquivalentTo(3);

        await DoAsync("branch", "revert", "stable", $"{_commits[1]}");
        await UntilAsync(3, r => r.Commit == _commits[1]);
        await PollAsync();
        await UntilAsync(3, r => r.Wave == 1);
        await PollAsync();
        Running().Should().AllBeEquivalentTo(1, "a branch that goes back leads its devices back, by the plan as well");
    }

    [Fact]
    public async Task A_group_of_a_pinned_branch_goes_by_itself_and_stays_where_it_came()
    {
        await DoAsync("group", "set", "lab");
        await DoAsync("group", "add", "lab", $"{_devices[0].Id}", $"{_devices[1].Id}");
        Publish();
        await DoAsync("rollout", "start", "--group", "lab", "--to", "stable", "--wave", Names(0), "--wave", "100%", "--soak", "0s");
        await PollAsync(_devices[1..]);
        Running().Should().AllBeEquivalentTo(0, "the branch is pinned there");
        await PollAsync(_devices[..1]);
        await UntilAsync(1, r => r.Wave == 1);
        await PollAsync();
        await UntilAsync(1, r => r.State == "finished");
        await PollAsync();
        Running().Should().Equal(2, 2, 0, 0, 0, 0);
        (await RunAsync("group", "remove", "lab")).Should().Be(0);
        await PollAsync();
        Running().Should().AllBeEquivalentTo(0);
    }

    [Fact]
    public async Task A_canary_comes_to_nobody_else_when_it_ends()
    {
        await DoAsync("rollout", "start", "--branch", "stable", "--to", "stable", "--wave", Names(2), "--soak", "0s");
        await PollAsync();
        await UntilAsync(1, r => r.State == "finished");
        await PollAsync();
        Running().Should().Equal(0, 0, 1, 0, 0, 0);
    }

    [Fact]
    public async Task Whoever_a_canary_left_out_does_not_follow_the_branch_when_it_ends()
    {
        await DoAsync("branch", "release", "stable");
        await PollAsync();
        await DoAsync("group", "set", "lab");
        await DoAsync("group", "add", "lab", $"{_devices[0].Id}", $"{_devices[1].Id}");
        await DoAsync("rollout", "start", "--group", "lab", "--to", $"{_commits[0]}", "--wave", Names(0), "--soak", "0s");
        await PollAsync();
        await UntilAsync(1, r => r.State == "finished");
        Publish();
        await PollAsync();
        Running().Should().Equal(0, 1, 2, 2, 2, 2);
    }

    [Fact]
    public async Task What_is_said_after_a_rollout_goes_before_it()
    {
        await DoAsync("rollout", "start", "--branch", "stable", "--to", "stable", "--wave", "100%", "--soak", "0s");
        await PollAsync();
        await UntilAsync(1, r => r.State == "finished");
        Running().Should().AllBeEquivalentTo(1);
        _server.Time.Ahead += TimeSpan.FromMinutes(1);
        await DoAsync("branch", "pin", "stable", $"{_commits[0]}");
        await PollAsync();
        Running().Should().AllBeEquivalentTo(0);
    }

    [Fact]
    public async Task A_head_that_came_meanwhile_does_not_undo_a_revert_and_what_was_reverted_is_nobodys_baseline()
    {
        await DoAsync("branch", "release", "stable");
        await PollAsync();
        Publish();
        await DoAsync("rollout", "start", "--branch", "stable", "--to", "stable", "--wave", Names(0), "--wave", "100%");
        await PollAsync();
        Publish();
        await DoAsync("rollout", "revert", "1");
        await PollAsync();
        Running().Should().AllBeEquivalentTo(1);
        await DoAsync("rollout", "start", "--branch", "stable", "--to", "stable", "--wave", Names(3), "--wave", "100%");
        await PollAsync();
        Running().Should().Equal(1, 1, 1, 3, 1, 1);
    }

    [Fact]
    public async Task What_nobody_has_taken_up_is_taken_back_when_it_stops()
    {
        _devices.ForEach(d => d.IsSlow = true);
        await DoAsync("rollout", "start", "--branch", "stable", "--to", "stable", "--wave", "100%");
        (await _devices[0].PollAsync()).Should().Be(_commits[1]);
        await DoAsync("rollout", "pause", "1");
        (await _devices[0].PollAsync()).Should().Be(_commits[0]);
        await DoAsync("rollout", "resume", "1");
        (await _devices[0].PollAsync()).Should().Be(_commits[1]);
        await DoAsync("rollout", "abort", "1");
        (await _devices[0].PollAsync()).Should().Be(_commits[0]);
    }

    [Fact]
    public async Task Only_so_many_update_at_once_and_whoever_has_come_up_makes_room()
    {
        _devices.ForEach(d => d.IsSlow = true);
        await DoAsync("rollout", "start", "--branch", "stable", "--to", "stable", "--wave", "100%", "--concurrent", "2");
        await PollAsync();
        (await ToldAsync()).Should().Equal([0, 1], "the others wait for their turn");
        _devices[1].IsSlow = false;
        await PollAsync();
        (await ToldAsync()).Should().Equal(0, 1, 2);
        Running().Should().Equal(0, 1, 0, 0, 0, 0);
    }

    [Fact]
    public async Task Outside_of_its_hours_nobody_is_told()
    {
        var now = _server.Time.GetUtcNow();
        await DoAsync("rollout", "start", "--branch", "stable", "--to", "stable", "--wave", "100%", "--window", $"{now.AddHours(2):HH:mm}-{now.AddHours(4):HH:mm}");
        await PollAsync();
        Running().Should().AllBeEquivalentTo(0);
        _server.Time.Ahead += TimeSpan.FromHours(3);
        await PollAsync(_devices[..3]);
        Running().Should().Equal(1, 1, 1, 0, 0, 0);
        _server.Time.Ahead += TimeSpan.FromHours(2);
        await PollAsync();
        Running().Should().Equal([1, 1, 1, 0, 0, 0], "the hours are over");
    }

    [Fact]
    public async Task What_failed_on_a_device_is_not_offered_again_after_another_one_failed_there_too()
    {
        foreach (var id in new[] { "1", "2" })
        {
            _devices[1].Bad = _commits[^1];
            await DoAsync("rollout", "start", "--branch", "stable", "--to", "stable", "--wave", Names(1), "--max-failures", "5");
            await PollAsync(_devices[1..2]);
            await DoAsync("rollout", "abort", id);
            Publish();
        }
        _devices[1].Bad = null;
        await DoAsync("rollout", "start", "--branch", "stable", "--to", $"{_commits[1]}", "--wave", Names(1, 2), "--max-failures", "5");
        await PollAsync();
        Running().Should().Equal(0, 0, 1, 0, 0, 0);
    }

    [Fact]
    public async Task A_device_that_falls_silent_after_it_was_told_is_no_proof()
    {
        await DoAsync("rollout", "start", "--branch", "stable", "--to", "stable", "--wave", Names(0, 1, 2), "--wave", "100%", "--soak", "0s");
        _devices[1].IsSlow = _devices[2].IsSlow = true;
        await PollAsync();
        _server.Time.Ahead += TimeSpan.FromDays(3);
        await PollAsync(_devices[..1]);
        await UntilAsync(1, r => r is { Wave: 0, Reached: null, State: "paused", Note: "2 of 3 devices have said nothing since they were told" });
        (await DoAsync("rollout", "show", "1")).Should().MatchRegex(@">1\s+named\s+3\s+3\s+1\s+0\s+0\s+2");
        await DoAsync("rollout", "resume", "1");
        await Task.Delay(500);
        await UntilAsync(1, r => r is { Wave: 0, Reached: null, State: "running" });
        await PollAsync(_devices[4..]);
        Running().Should().Equal(1, 0, 0, 0, 0, 0);
        _devices[1].IsSlow = _devices[2].IsSlow = false;
        await PollAsync(_devices[..3]);
        await UntilAsync(1, r => r.Wave == 1);
    }

    [Fact]
    public async Task A_lost_device_keeps_its_turn_until_somebody_has_looked()
    {
        _devices.ForEach(d => d.IsSlow = true);
        await DoAsync("rollout", "start", "--branch", "stable", "--to", "stable", "--wave", "100%", "--concurrent", "1", "--max-failures", "5");
        await PollAsync();
        _server.Time.Ahead += TimeSpan.FromDays(3);
        await PollAsync(_devices[1..]);
        Running().Should().AllBeEquivalentTo(0);
        await UntilAsync(1, r => r is { State: "paused", Note: "1 of 6 devices have said nothing since they were told" });
        await DoAsync("rollout", "resume", "1");
        _devices[1].IsSlow = false;
        await PollAsync(_devices[1..]);
        await PollAsync(_devices[1..]);
        Running().Should().Equal(0, 1, 0, 0, 0, 0);
        await UntilAsync(1, r => r.State == "running");
    }

    [Fact]
    public async Task Where_a_plan_leads_nothing_is_said_past_it_and_approval_is_not_got_round()
    {
        await DoAsync("rollout", "plan", "--branch", "stable", "--wave", Names(0), "--wave", "100%", "--approval", "start");
        await UntilAsync(1, r => r.State == "waiting");
        foreach (string[] said in new[] { new[] { "hold" }, ["release"], ["follow"], ["ceiling"] })
            (await RunAsync(["branch", .. said, "stable", .. said[0] == "ceiling" ? ["stable"] : Array.Empty<string>()])).Should().Be(18);
        foreach (var step in new[] { "pause", "resume", "next" })
            (await RunAsync("rollout", step, "1")).Should().Be(18);
        await PollAsync();
        Running().Should().AllBeEquivalentTo(0);
        (await ServerCommand.RunAsync("rollout", "approve", "1", "--server", _server.Url, "--token", _server.NewToken(TokenRole.Operator))).Exit.Should().Be(12);
        (await ServerCommand.RunAsync("rollout", "approve", "1", "--server", _server.Url, "--token", _server.NewToken(TokenRole.Approver))).Exit.Should().Be(0);
        await PollAsync();
        Running().Should().Equal(1, 0, 0, 0, 0, 0);
    }

    [Fact]
    public async Task A_server_that_ends_in_between_goes_on_from_there()
    {
        await DoAsync("rollout", "start", "--branch", "stable", "--to", "stable", "--wave", Names(0), "--wave", Names(1), "--wave", "100%", "--soak", "1h");
        await PollAsync();
        await UntilAsync(1, r => r.Reached is not null);
        await _server.RestartAsync();
        _server.Time.Ahead += TimeSpan.FromMinutes(61);
        await UntilAsync(1, r => r is { State: "running", Wave: 1, Reached: null });
        await _server.RestartAsync();
        await PollAsync();
        Running().Should().Equal(1, 1, 0, 0, 0, 0);
    }

    private string[] ByServer() => [.. new Audit(_server.Data, _server.Time).List(new AuditFilter(Actor: "server"), 10).Reverse().Select(e => $"{e.Verb}: {e.Before} > {e.After}")];

    private string[] Remote => ["--server", _server.Url, "--token", _server.Admin];

    private string Names(params int[] devices) => string.Join(',', devices.Select(i => _devices[i].Id));

    private List<int> Running() => [.. _devices.Select(d => _commits.IndexOf(d.Running.GetValueOrDefault()))];

    private async Task<List<int>> ToldAsync()
    {
        var told = new List<int>();
        for (var i = 0; i < _devices.Count; i++)
        {
            if (await _devices[i].PollAsync() == _commits[1])
                told.Add(i);
        }
        return told;
    }

    private async Task PollAsync(List<FleetDevice>? devices = null)
    {
        foreach (var device in devices ?? _devices)
            await device.PollAsync();
    }

    // What the worker does between two of its looks.
    private async Task UntilAsync(long id, Func<RolloutInfo, bool> isThere)
    {
        using var connection = _server.Data.OpenDatabase().Connect();
        RolloutInfo? seen = null;
        for (var patience = 0; patience < 400; patience++)
        {
            seen = RolloutBook.List(connection, 10).Where(r => r.Id == id).Select(r => RolloutBook.Describe(r)).FirstOrDefault();
            if (seen is not null && isThere(seen))
                return;
            await Task.Delay(25);
        }
        seen.Should().BeNull("it never came where it should");
    }

    private void Publish()
    {
        _server.WriteSource("file", $"{_commits.Count}");
        _commits.Add(_server.Publish().Commit);
    }

    private async Task<string> DoAsync(params string[] args) => (await ServerCommand.DoAsync([.. args, .. Remote])).Out;

    private async Task<int> RunAsync(params string[] args) => (await ServerCommand.RunAsync([.. args, .. Remote])).Exit;
}
