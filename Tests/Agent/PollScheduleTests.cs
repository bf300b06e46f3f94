using ContentTree.Deploy;
using ContentTree.Deploy.Agent;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.State;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Agent;

public sealed class PollScheduleTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void The_server_says_how_often_unless_a_file_of_the_device_does()
    {
        Next("", Answered(interval: 0)).Should().Be(TimeSpan.FromMinutes(30));
        Next("", Answered(interval: 600)).Should().Be(TimeSpan.FromMinutes(10));
        Next("interval = 5s", Answered(interval: 600)).Should().Be(TimeSpan.FromSeconds(5));
    }

    [Theory]
    [InlineData(86_401)]
    [InlineData(1_000_000_000_000_000)]
    [InlineData(long.MaxValue)]
    public void A_server_that_wants_to_be_asked_never_again_is_asked_after_a_day(long interval) => Next("", Answered(interval)).Should().Be(TimeSpan.FromDays(1));

    [Fact]
    public void Jitter_goes_both_ways_and_no_further_than_told()
    {
        var pauses = Enumerable.Range(0, 200).Select(_ => Next("interval = 100s\njitter = 20%", Answered(0), jitter: null).TotalSeconds).ToArray();
        pauses.Should().OnlyContain(seconds => seconds >= 80 && seconds <= 120);
        (pauses.Max() - pauses.Min()).Should().BeGreaterThan(20);
    }

    [Fact]
    public void Failures_double_the_longest_pause_up_to_the_limit()
    {
        foreach (var (failures, longest) in new[] { (1, 30), (2, 60), (4, 240), (30, 3600) })
        {
            var pauses = Enumerable.Range(0, 300).Select(_ => Next("", new LastPoll(default, failures, 0)).TotalSeconds).ToArray();
            pauses.Max().Should().BeLessThanOrEqualTo(longest).And.BeGreaterThan(longest * 0.7);
            pauses.Min().Should().BeGreaterThanOrEqualTo(1);
        }
    }

    [Fact]
    public void A_server_that_wants_to_be_left_alone_is_left_alone_within_reason()
    {
        Next("retry-max = 2h", new LastPoll(default, 1, 0), asked: TimeSpan.FromHours(1)).Should().Be(TimeSpan.FromHours(1));
        Next("retry-max = 2h", new LastPoll(default, 1, 0), asked: TimeSpan.FromDays(900)).Should().Be(TimeSpan.FromHours(2));
    }

    [Fact]
    public void What_is_left_of_a_wait_outlives_a_restart_but_not_a_clock_that_jumped()
    {
        var config = Config("");
        Restored(failures: 3, TimeSpan.FromMinutes(20)).Should().BeCloseTo(TimeSpan.FromMinutes(20), TimeSpan.FromMinutes(1));
        Restored(failures: 3, TimeSpan.FromDays(400)).Should().Be(TimeSpan.Zero);
        Restored(failures: 3, TimeSpan.FromMinutes(-1)).Should().Be(TimeSpan.Zero);
        Restored(failures: 0, TimeSpan.FromMinutes(20)).Should().Be(TimeSpan.Zero, "only a network was waited for");

        TimeSpan Restored(int failures, TimeSpan left) =>
            PollSchedule.Restored(config, new LastRetry(failures, 1, DateTimeOffset.UtcNow + left), TimeProvider.System);
    }

    [Fact]
    public void A_route_that_leaves_the_machine_is_found()
    {
        const string Header = "Iface\tDestination\tGateway\n";
        Table("v4", Header + "eth0\t00000000\t0202000A\n");
        Table("none", Header);
        Table("v6-local", $"{new string('0', 32)} 00 {new string('0', 32)} 00 {new string('0', 32)} 00000000 1 0 00000001       lo\nfe80{new string('0', 28)} 40 x 00 x 00000100 1 0 1     eth0\nff00{new string('0', 28)} 08 x 00 x 00000100 1 0 1     eth0\n");
        Table("v6", $"{new string('0', 32)} 00 x 00 fe80 00000400 1 0 3     eth0\n");
        NetworkRoute.HasRoute(_directory["v4"], _directory["absent"]).Should().BeTrue();
        NetworkRoute.HasRoute(_directory["none"], _directory["v6-local"]).Should().BeFalse();
        NetworkRoute.HasRoute(_directory["none"], _directory["v6"]).Should().BeTrue();
    }

    private static LastPoll Answered(long interval) => new(default, 0, interval);

    private TimeSpan Next(string poll, LastPoll last, string? jitter = "jitter = 0%", TimeSpan? asked = null)
    {
        return PollSchedule.Next(Config($"{jitter}\n{poll}"), last, null, asked);
    }

    private AgentConfig Config(string poll)
    {
        Directory.CreateDirectory(_directory["ctree"]);
        File.WriteAllText(_directory["ctree/agent.conf"], $"[poll]\n{poll}\n");
        return AgentConfig.Load(new DeviceRoot(_directory.Path, IsGiven: true));
    }

    private void Table(string name, string text) => File.WriteAllText(_directory[name], text);
}
