using ContentTree.Server.Publishing;
using ContentTree.Server.Trust;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>Barriers where nobody but the device itself can see to them: a web server of plain files.</summary>
public sealed class BarrierTests : IAsyncLifetime, IDisposable
{
    private readonly List<ObjectId> _published = [];
    private TestServer _server = null!;
    private StaticServer _files = null!;
    private TestDevice _device = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _files = new StaticServer(_server.Data.Repository.Path);
        _device = TestDevice.Unset();
        Publish();
        var result = await _device.RunAsync("init", "--server", _files.Url, "--branch", "main", "--trust", _server.TrustFile, "--unprivileged");
        result.Code.Should().Be(0, result.Error);
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_device_runs_each_barrier_on_its_way_and_reads_no_commit_behind_the_next()
    {
        await _device.TakeAsync();
        Publish();
        Publish(barrier: true);
        Publish();
        Publish(barrier: true);
        Publish();
        _files.Asked.Clear();
        (await RunningAfterAsync()).Should().Be(_published[2]);
        _files.AskedOnTheWay.Where(p => p.Contains("history")).Should().Equal([.. Enumerable.Range(2, 4).Select(i => $"/repo/history/main/{i}.json")], "behind it for the way back");
        foreach (var behind in new[] { _published[3], _published[5] })
            _files.AskedOnTheWay.Should().NotContain(path => path.Contains("objects") && path.Contains(behind.ToString().Substring(2)));
        (await RunningAfterAsync()).Should().Be(_published[4]);
        (await RunningAfterAsync()).Should().Be(_published[5]);
        (await TargetAsync()).Should().Be(_published[5]);
    }

    [Fact]
    public async Task One_that_has_not_run_yet_is_not_passed()
    {
        await _device.TakeAsync();
        Publish(barrier: true);
        Publish();
        await _device.UpdateAsync();
        await _device.UpdateAsync();
        (await TargetAsync()).Should().Be(_published[1], "it was deployed, and has yet to run");

        (await _device.RunAsync("rollback")).Code.Should().Be(0);
        (await TargetAsync()).Should().Be(_published[1], "who does not want it stays before it");
    }

    [Fact]
    public async Task One_that_may_not_run_here_is_not_got_round()
    {
        await _device.TakeAsync();
        Publish(barrier: true);
        Publish();
        (await _device.RunAsync("deny", _published[1].ToString())).Code.Should().Be(0);
        (await _device.RunAsync("update")).Code.Should().Be(16);
        _device.Deployments().Should().ContainSingle();
    }

    [Fact]
    public async Task Who_takes_every_publish_asks_for_nothing_more_and_who_waits_asks_once()
    {
        await _device.TakeAsync();
        Publish();
        _files.Asked.Clear();
        await _device.TakeAsync();
        _files.AskedOnTheWay.Should().NotContain(p => p.Contains("history"));

        for (var i = 0; i < 3; i++)
            Publish();
        _files.Asked.Clear();
        (await TargetAsync()).Should().Be(_published[^1]);
        _files.AskedOnTheWay.Should().HaveCount(4, "a head and a commit of each position in between");
        _files.Asked.Clear();
        Publish(barrier: true);
        Publish();
        (await TargetAsync()).Should().Be(_published[^2]);
        _files.AskedOnTheWay.Where(p => p.Contains("history")).Should().Equal("/repo/history/main/5.json", "/repo/history/main/6.json");
        foreach (var behind in new[] { 7, 8 })
        {
            Publish();
            _files.Asked.Clear();
            (await TargetAsync()).Should().Be(_published[5]);
            _files.AskedOnTheWay.Where(p => p.Contains("history")).Should().Equal(["/repo/history/main/6.json", $"/repo/history/main/{behind}.json"], "the barrier, and what is new behind it");
        }
    }

    [Fact]
    public async Task A_device_without_a_past_goes_straight_to_the_newest()
    {
        Publish(barrier: true);
        Publish();
        (await RunningAfterAsync()).Should().Be(_published[2]);
    }

    [Fact]
    public async Task What_nobody_has_signed_for_a_position_is_no_barrier_of_it()
    {
        await _device.TakeAsync();
        using var thief = SigningKey.Generate();
        Publish();
        Publish(barrier: true);
        Publish();
        Publish();
        var archive = Path.Combine(_server.Data.Repository.Path, "history/main");
        var barrier = File.ReadAllBytes(Path.Combine(archive, "3.json"));
        File.WriteAllBytes(Path.Combine(archive, "2.json"), barrier);
        File.WriteAllBytes(Path.Combine(archive, "4.json"), _server.Sign(new HeadStatement
        {
            Branch = BranchName.Parse("main"),
            Commit = _published[2],
            Sequence = 4,
            Created = DateTimeOffset.UtcNow.AddHours(-1),
            Expires = DateTimeOffset.UtcNow.AddYears(1),
        }, thief));
        File.Delete(Path.Combine(archive, "3.json"));
        File.Move(Path.Combine(archive, "5.json"), Path.Combine(archive, "late"));
        (await TargetAsync()).Should().Be(_published[4]);
        File.WriteAllBytes(Path.Combine(archive, "3.json"), barrier);
        (await TargetAsync()).Should().Be(_published[2], "a position without a head is asked again until a later one is there");
    }

    [Fact]
    public async Task A_barrier_from_which_the_branch_was_taken_back_is_none_for_who_saw_that()
    {
        await _device.TakeAsync();
        Publish(barrier: true);
        TakeBackTo(_published[0]);
        (await TargetAsync()).Should().Be(_published[0]);
        Publish();
        Publish();
        _files.Asked.Clear();
        (await TargetAsync()).Should().Be(_published[^1]);
        _files.AskedOnTheWay.Where(p => p.Contains("history")).Should().Equal(["/repo/history/main/4.json"], "it stands at 3");
    }

    [Fact]
    public async Task A_barrier_from_which_the_branch_was_taken_back_is_none_for_who_did_not_see_that()
    {
        await _device.TakeAsync();
        Publish();
        Publish(barrier: true);
        (await _device.RunAsync("update", "--check")).Code.Should().Be(0);
        Publish();
        (await TargetAsync()).Should().Be(_published[2]);
        TakeBackTo(_published[0]);
        Publish();
        (await TargetAsync()).Should().Be(_published[^1]);
        Publish(barrier: true);
        Publish();
        (await TargetAsync()).Should().Be(_published[^2], "the next one counts");
    }

    [Fact]
    public async Task Who_runs_a_barrier_to_which_the_branch_came_back_goes_on()
    {
        await _device.TakeAsync();
        Publish(barrier: true);
        await _device.TakeAsync();
        Publish();
        TakeBackTo(_published[1]);
        Publish();
        (await TargetAsync()).Should().Be(_published[^1]);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(403)]
    public async Task What_is_missing_on_the_way_is_passed_over_however_the_host_says_so(int missing)
    {
        _files.Missing = missing;
        await _device.TakeAsync();
        for (var i = 0; i < 3; i++)
            Publish();
        File.Delete(Path.Combine(_server.Data.Repository.Path, "history/main/2.json"));
        File.Delete(Directory.GetFiles(_server.Data.Repository.Path, $"*{_published[2].ToString()[2..]}*.commit", SearchOption.AllDirectories).Single());
        Publish(barrier: true);
        Publish();
        (await TargetAsync()).Should().Be(_published[^2]);
    }

    [Fact]
    public async Task Missing_numbers_are_not_asked_for_again_once_a_later_head_is_there()
    {
        await _device.TakeAsync();
        Publish();
        Publish();
        File.Delete(Path.Combine(_server.Data.Repository.Path, "history/main/2.json"));
        (await TargetAsync()).Should().Be(_published[^1]);
        _files.Asked.Clear();
        (await TargetAsync()).Should().Be(_published[^1]);
        _files.AskedOnTheWay.Should().BeEmpty();
    }

    [Fact]
    public async Task Nothing_is_looked_for_while_a_trial_runs()
    {
        await _device.TakeAsync();
        Publish();
        await _device.UpdateAsync();
        _device.BootNow();
        Publish(barrier: true);
        Publish();
        _files.Asked.Clear();
        (await _device.RunAsync("update", "--check")).Code.Should().Be(0);
        _files.AskedOnTheWay.Should().BeEmpty();
        (await _device.RunAsync("update")).Code.Should().Be(16, "a trial runs");
        (await _device.RunAsync("confirm")).Code.Should().Be(0);
        (await TargetAsync()).Should().Be(_published[2]);
    }

    [Fact]
    public async Task Who_is_out_of_time_goes_on_with_the_next_run()
    {
        await _device.TakeAsync();
        for (var i = 0; i < 5; i++)
            Publish();
        _files.Asked.Clear();
        _device.Clock = new SlowTime(() => TimeSpan.FromSeconds(16) * _files.AskedOnTheWay.Length);
        var first = await _device.RunAsync("update");
        first.Code.Should().Be(3, first.Error);
        first.Error.Should().Contain("looked for barriers at 2 positions of main since the one that runs here, 2 are left");
        _files.Asked.Clear();
        (await TargetAsync()).Should().Be(_published[^1]);
        _files.AskedOnTheWay[0].Should().Be("/repo/history/main/4.json");
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Numbers_that_were_never_used_are_gone_through_in_bounded_steps()
    {
        await _device.TakeAsync();
        var far = _server.Publish("echo other > file", branch: "other");
        _server.MoveHead(far, sequence: 10_200);
        new Timestamps(_server.Data, TimeProvider.System).Read(BranchName.Parse("main"));
        var first = await _device.RunAsync("update");
        first.Code.Should().Be(3, first.Error);
        first.Error.Should().Contain("looked for barriers at 10000 positions of main");
        _files.Asked.Clear();
        (await TargetAsync()).Should().Be(far);
        _files.AskedOnTheWay[0].Should().Be("/repo/history/main/10002.json");
    }

    private void Publish(bool barrier = false) => _published.Add(_server.Publish($"echo {_published.Count} > file", barrier: barrier));

    // As a revert does.
    private void TakeBackTo(ObjectId commit)
    {
        var move = BranchMove.Here(BranchMove.Revert);
        new BranchSteering(_server.Data, TimeProvider.System).Move(BranchName.Parse("main"), commit.ToString(), move);
    }

    private async Task<ObjectId> RunningAfterAsync()
    {
        await _device.TakeAsync();
        var status = await _device.JsonAsync("status");
        return ObjectId.Parse(status["deployments"]!.AsArray().Single(d => $"{d!["name"]}" == $"{status["booted"]}")!["commit"]!.GetValue<string>());
    }

    private async Task<ObjectId> TargetAsync() => ObjectId.Parse((await _device.JsonAsync("update", "--check"))["commit"]!.GetValue<string>());

    private sealed class SlowTime(Func<TimeSpan> spent) : TimeProvider
    {
        public override long GetTimestamp() => base.GetTimestamp() + (long)(spent().TotalSeconds * TimestampFrequency);
    }
}
