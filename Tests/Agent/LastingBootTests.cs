using ContentTree.BootFile;
using ContentTree.Deploy;
using ContentTree.Deploy.Agent;
using ContentTree.Deploy.Config;
using ContentTree.Tests.Deploy;

namespace ContentTree.Tests.Agent;

/// <summary>The agent tells the selector which boots have lasted; docs/boot.md.</summary>
public sealed class LastingBootTests : IAsyncLifetime
{
    private readonly Uptime _clock = new();
    private TestServer _server = null!;
    private TestDevice _device = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _device = await TestDevice.EnrolledAsync(_server);
        _server.Publish("mkdir -p usr etc; echo 1 > usr/file");
        await _device.UpdateAsync();
        _device.BootNow();
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_confirmed_boot_that_lasts_begins_the_count_anew_once_and_not_before()
    {
        (await _device.RunAsync("confirm")).Code.Should().Be(0);
        _clock.Now = TimeSpan.FromMinutes(1);
        (await RunAsync()).Should().Be(TimeSpan.FromMinutes(1));
        File.Exists(_device.Layout.EarlyBoots).Should().BeFalse("a boot of one minute says nothing");

        _clock.Now = TimeSpan.FromMinutes(2);
        (await RunAsync()).Should().Be(TimeSpan.MaxValue);
        Counted().Should().Be(new EarlyBoots(Running));

        new EarlyBoots(Running, 6, IsWaiting: true).Overwrite(_device.Layout.EarlyBoots);
        await RunAsync();
        Counted().Should().Be(new EarlyBoots(Running));
        var written = File.GetLastWriteTimeUtc(_device.Layout.EarlyBoots);
        await RunAsync();
        File.GetLastWriteTimeUtc(_device.Layout.EarlyBoots).Should().Be(written, "nothing is written where it says so already");
    }

    [Fact]
    public async Task Of_a_trial_nothing_is_said()
    {
        _clock.Now = TimeSpan.FromHours(1);

        (await RunAsync()).Should().Be(TimeSpan.MaxValue);
        File.Exists(_device.Layout.EarlyBoots).Should().BeFalse();
    }

    [Fact]
    public async Task In_link_mode_it_is_somebody_elses_boot()
    {
        (await _device.RunAsync("confirm")).Code.Should().Be(0);
        _device.Configure("[link]\npath = /opt/example/current\n");
        _clock.Now = TimeSpan.FromHours(1);

        (await RunAsync()).Should().Be(TimeSpan.MaxValue);
        File.Exists(_device.Layout.EarlyBoots).Should().BeFalse();
    }

    private DeploymentName Running => _device.Boot.Read()!.Wanted;

    private EarlyBoots? Counted() => EarlyBoots.Read(_device.Layout.EarlyBoots);

    private Task<TimeSpan> RunAsync()
    {
        var root = new DeviceRoot(_device.Root, IsGiven: true);
        return new LastingBoot(root, AgentConfig.Load(root), _clock).RunAsync(CancellationToken.None);
    }

    /// <summary>The real clock, on a machine that has been up as long as the test says.</summary>
    private sealed class Uptime : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
