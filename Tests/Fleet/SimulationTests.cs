using ContentTree.Server.Simulation;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Fleet;

/// <summary>Rollouts over whole fleets in simulated time, by the server's own rules, database and signatures.</summary>
[Trait("Category", "Slow")]
public sealed class SimulationTests : IDisposable
{
    private static readonly RolloutPlan Quick = new([new RolloutWave(2), new RolloutWave(20), new RolloutWave(100)], Soak: 1800);

    private readonly TemporaryDirectory _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_good_release_reaches_everybody_who_is_on()
    {
        var result = Run(new SimulationSettings { Devices = 200, Plan = Quick, Off = 0.1 }, out var moves);
        result.Rollout.State.Should().Be("finished");
        result.OnRelease.Should().Be(result.Reached).And.BeInRange(160, 195);
        (result.OnRelease + result.OnBaseline).Should().Be(200);
        moves.Should().BeInAscendingOrder(r => r.Wave).And.HaveCountGreaterThan(2);
    }

    [Fact]
    public void A_bad_release_stops_in_its_first_wave_and_everybody_is_back()
    {
        var result = Run(new SimulationSettings { Devices = 300, Plan = Quick with { OnFailure = "revert" }, Bad = 0.5 }, out _);
        result.Rollout.State.Should().Be("reverted");
        result.OnBaseline.Should().Be(300);
        result.Reached.Should().BeLessThanOrEqualTo((int)result.Rollout.Waves![0].Devices);
        result.Repeats.Should().Be(0, "what failed somewhere is never offered there again");
    }

    [Fact]
    public void A_release_that_fails_on_few_pauses_late_and_leaves_the_others_where_they_are()
    {
        var result = Run(new SimulationSettings { Devices = 300, Plan = Quick with { MaxFailures = "12", Success = 60 }, Bad = 0.1, Limit = TimeSpan.FromDays(1) }, out _);
        result.Rollout.State.Should().Be("paused");
        result.Rollout.Note.Should().Contain("failed");
        result.OnRelease.Should().BePositive();
        result.OnBaseline.Should().BePositive();
        result.Repeats.Should().Be(0);
    }

    [Fact]
    public void Never_more_update_at_once_than_the_plan_says()
    {
        var result = Run(new SimulationSettings { Devices = 100, Plan = new RolloutPlan([new RolloutWave(100)], Soak: 0, Concurrent: 7) }, out _);
        result.Rollout.State.Should().Be("finished");
        result.MostAtOnce.Should().BeLessThanOrEqualTo(7);
    }

    [Fact]
    public void The_same_settings_give_the_same_course()
    {
        var settings = new SimulationSettings { Devices = 60, Plan = Quick, Bad = 0.02, Off = 0.2, Seed = 7 };
        Run(settings, out var first);
        Run(settings, out var second);
        second.Should().BeEquivalentTo(first, options => options.Excluding(r => r.Commit).Excluding(r => r.Baseline).WithStrictOrdering());
    }

    [Fact]
    public void A_device_that_is_told_again_to_take_what_failed_there_is_counted()
    {
        using var key = SigningKey.Generate();
        var (baseline, release, now) = (ObjectId.Of("baseline"u8), ObjectId.Of("release"u8), DateTimeOffset.UtcNow);
        var root = TrustRoot.Load(key.Sign(RootStatement.Of(key.Public, key.Public, 1, now.AddYears(1)).With(Role.Fleet, key.Public)).Bytes.Span);
        var (device, head) = (new SimulatedDevice(key.Id, baseline, 1, failsOnRelease: true), new BranchPositionSeen(baseline, 1));
        RawJson Told(long counter) => new(key.Sign(new AssignmentStatement
        {
            Device = key.Id,
            Branch = BranchName.Parse("main"),
            Counter = counter,
            Created = now,
            Expires = now.AddDays(1),
            Action = AssignmentAction.Pin,
            Commit = release,
            Sequence = 2,
            Reason = "",
        }).Bytes);

        device.Hear(Told(1), root, head).Should().BeTrue();
        device.Boot(release);
        device.Hear(null, root, head).Should().BeFalse();
        device.Repeats.Should().Be(0, "nobody has told it anything since");
        device.Hear(Told(2), root, head).Should().BeFalse("it remembers what failed");
        device.Repeats.Should().Be(1);
    }

    private SimulationResult Run(SimulationSettings settings, out List<RolloutInfo> moves)
    {
        List<RolloutInfo> seen = [];
        using var simulation = new Simulation(_temporary[Guid.NewGuid().ToString("n")], settings);
        var result = simulation.Run((_, rollout) => seen.Add(rollout), CancellationToken.None);
        moves = seen;
        return result;
    }
}
