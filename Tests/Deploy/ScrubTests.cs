using ContentTree.Deploy;
using ContentTree.Deploy.Commands;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.Repairs;
using ContentTree.Deploy.State;
using ContentTree.Store;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Agent;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>The agent reads the store through little by little, and what went bad is found, put aside, mended and told.</summary>
public sealed class ScrubTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestDevice _device = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _device = await TestDevice.EnrolledAsync(_server);
        _server.Publish("for i in $(seq 40); do echo content $i > $i; done");
        await _device.UpdateAsync();
        _device.BootNow();
        (await _device.RunAsync("confirm")).Code.Should().Be(0);
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public void A_pass_reads_every_object_once_a_slice_at_a_time_and_goes_on_where_it_stopped()
    {
        _device.Configure("[store]\nscrub = 256s\n");
        var time = new AdjustableTime();
        for (var step = 0; step < 256 / 8; step++)
        {
            time.Ahead += TimeSpan.FromSeconds(20);
            using var device = Open(time);
            new Scrub(device).Due.Should().Be(8, "no more at once, however long it was off");
            new Scrub(device).Run(CancellationToken.None).Should().BeEmpty();
            new Scrub(device).Due.Should().Be(0);
            device.State.Scrub.Next.Should().Be((step + 1) * 8 % 256);
        }
        using var after = Open(time);
        after.State.Scrub.Passes.Should().Be(1);
        time.Ahead -= TimeSpan.FromDays(9);
        new Scrub(after).Due.Should().Be(1, "a clock that was set back stops nothing");
    }

    [Theory]
    [InlineData("0s", 0)]
    [InlineData("30d", 8)]
    public void It_can_be_switched_off(string period, int due)
    {
        _device.Configure($"[store]\nscrub = {period}\n");
        using var device = Open(TimeProvider.System);
        new Scrub(device).Due.Should().Be(due, "it has never run");
    }

    [Trait("Category", "Slow")]
    [Fact]
    public async Task What_went_bad_leaves_the_store_at_once_and_the_server_hears_of_it_also_while_it_cannot_be_mended()
    {
        _device.Configure("[store]\nscrub = 1s\n");
        var bad = StoredFiles()[7];
        Shell.Run($"printf X | dd of='{bad}' bs=1 conv=notrunc status=none");
        var time = new AdjustableTime();
        for (var step = 0; step < 256 / 8; step++)
        {
            time.Ahead += TimeSpan.FromSeconds(1);
            using var device = Open(time);
            new Scrub(device).Run(CancellationToken.None);
        }
        File.Exists(bad).Should().BeFalse("nothing links it any more");
        Directory.GetFiles(Path.Combine(_device.Root, "ctree/store/quarantine")).Should().ContainSingle();
        using (var device = Open(time))
        {
            device.State.Scrub.Damaged.Should().ContainSingle();
            device.State.Events.Events.Should().ContainSingle(e => e.Kind == EventKind.Damaged && e.Message!.Contains("1 stored objects: ", StringComparison.Ordinal));
        }
        (await _device.RunAsync("repair")).Code.Should().Be(0);
        _device.NothingIsFalse();
        File.Exists(bad).Should().BeTrue();
        using (var device = Open(time))
            device.State.Scrub.Damaged.Should().BeNull();
        (await _device.RunAsync("gc")).Code.Should().Be(0);
        Directory.Exists(Path.Combine(_device.Root, "ctree/store/quarantine")).Should().BeFalse();
    }

    [Trait("Category", "Slow")]
    [Fact]
    public void What_went_bad_is_noted_before_it_leaves_the_store()
    {
        _device.Configure("[store]\nscrub = 1s\n");
        var bad = StoredFiles()[7];
        Shell.Run($"printf X | dd of='{bad}' bs=1 conv=notrunc status=none");
        File.WriteAllText(Path.Combine(_device.Root, "ctree/store/quarantine"), "nothing can be moved here");
        var time = new AdjustableTime();
        var failures = 0;
        for (var step = 0; step < 256 / 8 && failures == 0; step++)
        {
            time.Ahead += TimeSpan.FromSeconds(1);
            using var device = Open(time);
            try
            {
                new Scrub(device).Run(CancellationToken.None);
            }
            catch (PosixException)
            {
                failures++;
            }
        }
        failures.Should().Be(1);
        using var again = Open(time);
        again.State.Scrub.Damaged.Should().ContainSingle();
        again.State.Events.Events.Should().ContainSingle(e => e.Kind == EventKind.Damaged);
    }

    [Trait("Category", "Slow")]
    [Fact]
    public async Task The_agent_finds_and_mends_by_itself_and_the_server_hears_of_both()
    {
        _device.Configure("[store]\nscrub = 1s\n[poll]\ninterval = 1s\nretry-min = 10ms\nretry-max = 50ms\n");
        var bad = StoredFiles()[1];
        Shell.Run($"printf X | dd of='{bad}' bs=1 conv=notrunc status=none");
        await using var agent = new TestAgent(_device);
        await agent.HearsAsync("STATUS=up to date");
        for (var waited = 0; waited < 600 && _server.Devices.Find(_server.Devices.List(10).Single().Id).Events!.All(e => e.Kind != EventKind.Repaired); waited++)
            await Task.Delay(100);
        agent.Said.Should().Contain(line => line.Contains("1 stored objects are damaged", StringComparison.Ordinal)).And.Contain(line => line.Contains("replaced 1 objects and mended 1 paths", StringComparison.Ordinal));
        _server.Devices.Find(_server.Devices.List(10).Single().Id).Events!.Select(e => e.Kind).Should().Contain([EventKind.Damaged, EventKind.Repaired]);
        _device.NothingIsFalse();
    }

    private ContentTree.Deploy.Device Open(TimeProvider time)
    {
        var root = new DeviceRoot(_device.Root, true);
        return ContentTree.Deploy.Device.Open(root, AgentConfig.Load(root), time);
    }

    private string[] StoredFiles() => [.. Directory.GetFiles(Path.Combine(_device.Root, "ctree/store/objects"), "*.file", SearchOption.AllDirectories).Order()];
}
