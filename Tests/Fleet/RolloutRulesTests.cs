using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Fleet;

/// <summary>When a rollout goes on, waits, stops or goes back.</summary>
public sealed class RolloutRulesTests
{
    private static readonly DateTimeOffset Start = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly RolloutPlan Usual = new([new RolloutWave(5), new RolloutWave(100)], Success: 80, Soak: 600, MaxFailures: "3");

    [Theory]
    [InlineData(10, 8, 0, 0, true)]
    [InlineData(10, 7, 0, 0, false)]
    [InlineData(10, 4, 0, 5, true)]
    [InlineData(10, 3, 0, 5, false)]
    [InlineData(10, 0, 0, 10, false)]
    [InlineData(0, 0, 0, 0, false)]
    public void Only_devices_that_came_up_healthy_lead_on(long devices, long confirmed, long failed, long silent, bool isReached)
    {
        var rollout = Rollout(Usual);
        var next = RolloutRules.Next(rollout, [new RolloutCounts(devices, devices, confirmed, failed, silent), RolloutCounts.None], Start.AddDays(400));
        next.Reached.Should().Be(isReached ? Start.AddDays(400) : null);
        next.Wave.Should().Be(0, "the soak comes first");
    }

    [Fact]
    public void The_soak_runs_from_when_enough_were_confirmed_and_begins_anew_when_they_are_not_any_more()
    {
        RolloutCounts[] enough = [new(10, 10, 9, 0, 0), new(100, 0, 0, 0, 0)];
        var reached = RolloutRules.Next(Rollout(Usual), enough, Start);
        RolloutRules.Next(reached, enough, Start.AddSeconds(599)).Should().Be(reached);
        RolloutRules.Next(reached, enough, Start.AddSeconds(600)).Should().Match<Rollout>(r => r.Wave == 1 && r.Reached == null && r.State == RolloutState.Running);
        RolloutRules.Next(reached, [new(20, 10, 9, 0, 0), new(100, 0, 0, 0, 0)], Start.AddSeconds(600)).Reached.Should().BeNull("more devices came into the wave");
    }

    [Fact]
    public void The_last_wave_ends_it_and_nobody_proves_nothing()
    {
        var last = Rollout(Usual) with { Wave = 1, Reached = Start };
        RolloutRules.Next(last, [new(1, 1, 1, 0, 0), new(10, 10, 10, 0, 0)], Start.AddHours(1)).Should().Match<Rollout>(r => r.State == RolloutState.Finished && r.Ended == Start.AddHours(1));
        RolloutRules.Next(Rollout(Usual), [RolloutCounts.None, new(10, 0, 0, 0, 0)], Start.AddYears(1)).Wave.Should().Be(0);
    }

    [Theory]
    [InlineData("pause", RolloutState.Paused)]
    [InlineData("revert", RolloutState.Reverted)]
    public void Failures_stop_it_as_its_plan_says(string onFailure, object state)
    {
        var rollout = Rollout(Usual with { OnFailure = onFailure });
        RolloutRules.Next(rollout, [new(10, 10, 8, 2, 0), RolloutCounts.None], Start).State.Should().Be(RolloutState.Running);
        var stopped = RolloutRules.Next(rollout, [new(10, 10, 7, 3, 0), RolloutCounts.None], Start);
        stopped.State.Should().Be((RolloutState)state);
        stopped.Note.Should().Be("3 of 10 devices failed");
    }

    [Fact]
    public void A_share_of_failures_is_of_the_devices_reached_so_far_and_at_least_one()
    {
        var plan = Usual with { MaxFailures = "5%" };
        RolloutRules.Next(Rollout(plan), [new(3, 3, 2, 1, 0), RolloutCounts.None], Start).State.Should().Be(RolloutState.Paused);
        RolloutRules.Next(Rollout(plan) with { Wave = 1 }, [new(100, 100, 98, 2, 0), new(900, 900, 0, 47, 0)], Start).State.Should().Be(RolloutState.Running);
        RolloutRules.Next(Rollout(plan) with { Wave = 1 }, [new(100, 100, 98, 2, 0), new(900, 900, 0, 48, 0)], Start).State.Should().Be(RolloutState.Paused);
    }

    [Fact]
    public void What_a_person_let_go_on_stops_at_as_many_failures_more()
    {
        var resumed = Rollout(Usual) with { Forgiven = 3 };
        RolloutRules.Next(resumed, [new(10, 10, 5, 5, 0), RolloutCounts.None], Start).State.Should().Be(RolloutState.Running);
        RolloutRules.Next(resumed, [new(10, 10, 4, 6, 0), RolloutCounts.None], Start).State.Should().Be(RolloutState.Paused);
    }

    [Theory]
    [InlineData("pause")]
    [InlineData("revert")]
    public void Devices_that_were_told_and_fell_silent_count_as_failed_ones_and_silence_sends_nobody_back(string onFailure)
    {
        var rollout = Rollout(Usual with { OnFailure = onFailure, MaxFailures = "5%" });
        RolloutRules.Next(rollout, [new(100, 100, 96, 0, 0, 4), RolloutCounts.None], Start).Reached.Should().Be(Start);
        var lost = RolloutRules.Next(rollout, [new(100, 100, 91, 0, 0, 9), RolloutCounts.None], Start);
        (lost.State, lost.Note).Should().Be((RolloutState.Paused, "9 of 100 devices have said nothing since they were told"));
        var both = RolloutRules.Next(rollout, [new(100, 100, 95, 2, 0, 3), RolloutCounts.None], Start);
        (both.State, both.Note).Should().Be((RolloutState.Paused, "3 of 100 devices have said nothing since they were told, 2 failed"));
        RolloutRules.Next(lost with { State = RolloutState.Running, Missed = 9 }, [new(100, 100, 91, 0, 0, 9), RolloutCounts.None], Start).Reached.Should().Be(Start, "a person has seen them");
        RolloutRules.Next(lost with { State = RolloutState.Running, Missed = 9 }, [new(100, 100, 86, 0, 0, 14), RolloutCounts.None], Start).State.Should().Be(RolloutState.Paused);
    }

    [Fact]
    public void Where_the_lost_ones_have_all_the_turns_it_waits_for_a_person()
    {
        var rollout = Rollout(Usual with { MaxFailures = "50", Concurrent = 2 });
        RolloutRules.Next(rollout, [new(10, 2, 0, 0, 0, 1), RolloutCounts.None], Start).State.Should().Be(RolloutState.Running);
        RolloutRules.Next(rollout, [new(10, 2, 0, 0, 0, 2), RolloutCounts.None], Start).State.Should().Be(RolloutState.Paused);
    }

    [Fact]
    public void While_it_is_paused_it_goes_back_but_not_on()
    {
        var paused = Rollout(Usual with { OnFailure = "revert" }) with { State = RolloutState.Paused };
        RolloutRules.Next(paused, [new(10, 10, 10, 0, 0), RolloutCounts.None], Start.AddDays(1)).Should().Be(paused);
        RolloutRules.Next(paused, [new(10, 10, 7, 3, 0), RolloutCounts.None], Start).State.Should().Be(RolloutState.Reverted);
    }

    [Fact]
    public void Each_wave_may_ask_for_approval()
    {
        var rollout = Rollout(Usual with { Approval = "each", Soak = 0 });
        RolloutRules.Next(rollout, [new(1, 1, 1, 0, 0), RolloutCounts.None], Start).Should().Match<Rollout>(r => r.State == RolloutState.Waiting && r.Wave == 1);
    }

    private static Rollout Rollout(RolloutPlan plan) => new(
        1, PolicyScope.Parse("branch:main"), BranchName.Parse("main"), ObjectId.Of("new"u8), 2, ObjectId.Of("old"u8), new Plan(plan), "a test", "", Start)
    {
        State = RolloutState.Running,
    };
}
