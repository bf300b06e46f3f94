using ContentTree.Deploy.Agent;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Agent;

public sealed class RouteWatchTests : IDisposable
{
    private const string Header = "Iface\tDestination\tGateway\tFlags\n";

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Only_a_route_that_was_not_there_wakes()
    {
        var watch = Watch(Header + "eth0\t00000000\t0202000A\t3\n");
        (await watch.SleepAsync(TimeSpan.FromMilliseconds(10), () => false, CancellationToken.None)).Should().BeFalse("nothing changed");
        Table(Header);
        (await watch.SleepAsync(TimeSpan.FromMilliseconds(10), () => false, CancellationToken.None)).Should().BeFalse("it is gone");
        Table(Header + "eth0\t00000000\t0202000A\t3\n");
        (await watch.SleepAsync(TimeSpan.FromMilliseconds(10), () => false, CancellationToken.None)).Should().BeTrue("it is back");
        Table(Header + "wlan0\t00000000\t0102A8C0\t3\n");
        (await watch.SleepAsync(TimeSpan.FromDays(1), () => false, CancellationToken.None)).Should().BeTrue("another way");
    }

    private RouteWatch Watch(string table)
    {
        Table(table);
        return new RouteWatch(TimeProvider.System, _directory["route"], _directory["absent"]);
    }

    private void Table(string text) => File.WriteAllText(_directory["route"], text);
}
