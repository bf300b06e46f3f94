using ContentTree.Deploy;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.State;
using ContentTree.Deploy.Transfer;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

public sealed class TransferGateTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly InstantTime _clock = new() { Now = new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero) };
    private readonly DeviceRoot _root;

    public TransferGateTests()
    {
        _root = new DeviceRoot(_directory.Path, IsGiven: true);
        Directory.CreateDirectory(_root.Layout.State);
    }

    private DeviceStateFiles State => new(_root, _clock);

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("22:00-06:00", "23:30", 6.5)]
    [InlineData("22:00-06:00", "05:00", 1)]
    [InlineData("22:00-06:00", "06:00", 0)]
    [InlineData("22:00-06:00", "12:00", 0)]
    [InlineData("09:00-17:00 UTC", "09:00", 8)]
    public void Quiet_hours_go_round_midnight(string text, string now, double hours)
    {
        _clock.Now = new DateTimeOffset(2026, 5, 1, 0, 0, 0, TimeSpan.Zero) + TimeOnly.Parse(now).ToTimeSpan();
        QuietHours.TryParse(text)!.Left(_clock).Should().Be(TimeSpan.FromHours(hours));
    }

    [Fact]
    public void Quiet_hours_are_the_devices_own_unless_they_say_otherwise()
    {
        _clock.Zone = TimeZoneInfo.CreateCustomTimeZone("east", TimeSpan.FromHours(11), "east", "east");
        QuietHours.TryParse("22:00-06:00")!.Left(_clock).Should().Be(TimeSpan.FromHours(7), "12:00 UTC is 23:00 there");
        QuietHours.TryParse("22:00-06:00 UTC")!.Left(_clock).Should().Be(TimeSpan.Zero);
    }

    [Theory]
    [InlineData("")]
    [InlineData("22:00")]
    [InlineData("25:00-06:00")]
    [InlineData("06:00-06:00")]
    [InlineData("22:00-06:00 CET")]
    public void What_is_no_time_of_day_is_refused(string text) => QuietHours.TryParse(text).Should().BeNull();

    [Fact]
    public void The_stricter_of_device_and_server_counts()
    {
        var config = Config("max-rate = 2000\ndaily-budget = 5000\nquiet-hours = 01:00-02:00\n");
        var strict = TransferLimits.Strictest(config, new TransferPolicy(1500, 2_000_000, "03:00-04:00 UTC"));
        strict.Should().BeEquivalentTo(new { MaxRate = 1500, DailyBudget = 5000 });
        strict.Quiet.Should().HaveCount(2);
        TransferLimits.Strictest(config, new TransferPolicy(-1, 0, "nonsense")).Should().BeEquivalentTo(TransferLimits.Strictest(config, null));
        TransferLimits.Strictest(Config(""), new TransferPolicy(MaxRate: 7000)).MaxRate.Should().Be(7000);
    }

    [Fact]
    public void A_server_asks_for_no_less_than_brings_a_download_to_its_end()
    {
        TransferLimits.Strictest(Config(""), new TransferPolicy(1, 1)).Should().BeEquivalentTo(new { MaxRate = 1000, DailyBudget = 1_000_000 });
        var own = Config("max-rate = 10\ndaily-budget = 20\n");
        TransferLimits.Strictest(own, new TransferPolicy(1, 1)).Should().BeEquivalentTo(new { MaxRate = 10, DailyBudget = 20 }, "a device's own files say what they like");
    }

    [Fact]
    public async Task The_rate_holds_for_all_connections_together()
    {
        using var gate = new TransferGate(State, Config("max-rate = 1000\n"), _clock);
        var start = _clock.Now;
        for (var i = 0; i < 20; i++)
            await Task.WhenAll(gate.PassAsync(500, CancellationToken.None), gate.PassAsync(500, CancellationToken.None));
        (_clock.Now - start).TotalSeconds.Should().BeGreaterThan(19.5);
    }

    [Fact]
    public async Task The_days_budget_survives_restarts_and_ends_at_midnight()
    {
        var config = Config("daily-budget = 1000000\n");
        (await UseAsync(config, 400_000)).Should().Be(400_000);
        State.Transfer.Bytes.Should().Be(400_000, "what was set aside and not used was given back");
        (await UseAsync(config, 900_000)).Should().BeInRange(600_000, 610_000);
        using (var gate = new TransferGate(State, config, _clock))
            gate.Invoking(g => g.RequireOpen()).Should().Throw<PausedException>().Which.Left.Should().Be(TimeSpan.FromHours(12));
        _clock.Now = _clock.Now.AddHours(12);
        (await UseAsync(config, 400_000)).Should().Be(400_000);
    }

    [Fact]
    public async Task A_kill_wastes_a_share_of_the_budget_and_never_exceeds_it()
    {
        var config = Config("daily-budget = 1000000\n");
        var killed = new TransferGate(State, config, _clock);
        await killed.PassAsync(10_000, CancellationToken.None);
        State.Transfer.Bytes.Should().BeInRange(10_000, 10_000 + 65_536);
    }

    [Fact]
    public void What_the_server_asks_for_is_remembered()
    {
        using (var gate = new TransferGate(State, Config(""), _clock))
            gate.Apply(new TransferPolicy(MaxRate: 1234));
        using var next = new TransferGate(State, Config(""), _clock);
        next.MaxRate.Should().Be(1234);
        next.Apply(null);
        next.MaxRate.Should().Be(0);
    }

    private async Task<int> UseAsync(AgentConfig config, int bytes)
    {
        using var gate = new TransferGate(State, config, _clock);
        var used = 0;
        try
        {
            gate.RequireOpen();
            for (; used < bytes; used += 10_000)
                await gate.PassAsync(10_000, CancellationToken.None);
        }
        catch (PausedException)
        {
            used += 10_000;
        }
        return used;
    }

    private AgentConfig Config(string transfer)
    {
        Directory.CreateDirectory(_directory["ctree"]);
        File.WriteAllText(_directory["ctree/agent.conf"], $"[transfer]\n{transfer}");
        return AgentConfig.Load(_root);
    }

    /// <summary>A clock on which every wait is over at once, and has taken as long as it should.</summary>
    private sealed class InstantTime : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public TimeZoneInfo Zone { get; set; } = TimeZoneInfo.Utc;

        public override TimeZoneInfo LocalTimeZone => Zone;

        public override DateTimeOffset GetUtcNow() => Now;

        public override long GetTimestamp() => Now.UtcTicks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Now += dueTime;
            return System.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }
}
