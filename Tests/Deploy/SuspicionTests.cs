using ContentTree.Deploy;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Config;
using ContentTree.Store.Objects;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Deploy;

/// <summary>Who is to blame for a network that was lost, where no boot lies between the two trees.</summary>
public sealed class SuspicionTests
{
    private static readonly ObjectId Commit = ObjectId.Of("suspect"u8);

    [Theory]
    [InlineData(30, true)]
    [InlineData(90, false)]
    public async Task On_a_machine_that_runs_for_long_a_linked_tree_is_blamed_only_if_the_one_before_it_reaches_the_server_soon(int seconds, bool isDenied)
    {
        await using var server = await TestServer.StartAsync();
        using var device = await TestDevice.EnrolledAsync(server);
        device.Configure("[link]\npath = /opt/example/current\n[health]\nreach = 1min\n");
        var root = new DeviceRoot(device.Root, IsGiven: true);
        var time = new AdjustableTime();
        using var opened = Device.Open(root with { IsGiven = false }, AgentConfig.Load(root), time);

        Suspicion.Raise(opened, Commit);
        time.Ahead = TimeSpan.FromSeconds(seconds);
        Suspicion.Settle(opened);

        (opened.Denials.Find(Commit) is not null).Should().Be(isDenied);
        opened.State.Last.Suspect.Should().BeNull();
    }
}
