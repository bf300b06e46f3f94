using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Fleet;

/// <summary>What a plan may say, and who is in which wave.</summary>
public sealed class PlanTests
{
    private static readonly RolloutPlan Usual = new([new RolloutWave(5), new RolloutWave(100)]);

    public static TheoryData<string, RolloutPlan> Absurd => new()
    {
        { "1 to 20 waves", Usual with { Waves = [] } },
        { "1 to 20 waves", Usual with { Waves = [.. Enumerable.Range(1, 21).Select(i => new RolloutWave(i))] } },
        { "rise", Usual with { Waves = [new RolloutWave(50), new RolloutWave(50)] } },
        { "rise", Usual with { Waves = [new RolloutWave(double.NaN)] } },
        { "rise", Usual with { Waves = [new RolloutWave(100.5)] } },
        { "either", Usual with { Waves = [new RolloutWave()] } },
        { "either", Usual with { Waves = [new RolloutWave(5, [Device(1)])] } },
        { "success", Usual with { Success = 0 } },
        { "soak", Usual with { Soak = -1 } },
        { "patience", Usual with { Patience = long.MaxValue } },
        { "failures", Usual with { MaxFailures = "0" } },
        { "failures", Usual with { MaxFailures = "NaN%" } },
        { "revert", Usual with { OnFailure = "explode" } },
        { "window", Usual with { Window = "22:00-22:00" } },
        { "window", Usual with { Window = "25:00-26:00" } },
        { "approval", Usual with { Approval = "never" } },
        { "concurrent", Usual with { Concurrent = 0 } },
    };

    [Theory]
    [MemberData(nameof(Absurd))]
    public void What_makes_no_sense_is_refused_with_its_name(string said, RolloutPlan plan)
    {
        var read = () => new Plan(plan);
        read.Should().Throw<FormatException>().Which.Message.Should().Contain(said);
    }

    [Fact]
    public void Shares_hold_so_many_devices_and_always_the_same_ones()
    {
        var plan = new Plan(new RolloutPlan([new RolloutWave(1), new RolloutWave(10), new RolloutWave(50)]));
        var waves = Enumerable.Range(0, 20_000).Select(Device).ToDictionary(d => d, plan.WaveOf);
        waves.Values.Count(w => w == 0).Should().BeInRange(130, 270);
        waves.Values.Count(w => w <= 1).Should().BeInRange(1800, 2200);
        waves.Values.Count(w => w is null).Should().BeInRange(9500, 10_500);
        var later = new Plan(new RolloutPlan([new RolloutWave(10), new RolloutWave(100)]));
        waves.Where(w => w.Value <= 1).Should().OnlyContain(w => later.WaveOf(w.Key) == 0, "who goes first does not change with the plan");
    }

    [Theory]
    [InlineData(1, 1, 0, 0)]
    [InlineData(2, 1, 1, 0)]
    [InlineData(5, 1, 1, 3)]
    [InlineData(40, 1, -1, -1)]
    public void Of_few_devices_each_wave_has_at_least_one(int devices, int first, int second, int third)
    {
        KeyId[] fleet = [.. Enumerable.Range(0, devices).Select(Device).OrderBy(d => d.ToString(), StringComparer.Ordinal)];
        var plan = new Plan(new RolloutPlan([new RolloutWave(0.01), new RolloutWave(10), new RolloutWave(100)])).For(fleet);
        var waves = fleet.GroupBy(plan.WaveOf).ToDictionary(g => g.Key ?? -1, g => g.Count());
        waves.GetValueOrDefault(0).Should().Be(first);
        if (second >= 0)
            waves.GetValueOrDefault(1).Should().Be(second);
        if (third >= 0)
            waves.GetValueOrDefault(2).Should().Be(third);
        waves.Values.Sum().Should().Be(devices);
        plan.IsForAll.Should().BeTrue();
    }

    [Fact]
    public void Named_devices_come_before_their_share()
    {
        var named = Enumerable.Range(0, 1000).Select(Device).First(d => new Plan(Usual).WaveOf(d) == 1);
        new Plan(new RolloutPlan([new RolloutWave(Devices: [named]), .. Usual.Waves])).WaveOf(named).Should().Be(0);
    }

    [Fact]
    public void A_window_may_go_over_midnight()
    {
        var window = MaintenanceWindow.Parse("22:00-04:00");
        var day = new DateTimeOffset(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);
        new[] { 22.0, 23.5, 0, 3.9 }.Should().OnlyContain(hour => window.Contains(day.AddHours(hour)));
        new[] { 4.0, 12, 21.9 }.Should().OnlyContain(hour => !window.Contains(day.AddHours(hour)));
    }

    internal static KeyId Device(int number) =>
        KeyId.Parse(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(number)))[..KeyId.Length]);
}
