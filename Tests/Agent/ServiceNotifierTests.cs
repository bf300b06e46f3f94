using System.Net.Sockets;
using System.Text;
using ContentTree.Deploy.Agent;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Agent;

public sealed class ServiceNotifierTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };

    public void Dispose()
    {
        _socket.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void Each_message_is_one_datagram()
    {
        _socket.Bind(new UnixDomainSocketEndPoint(_directory["notify"]));
        using var notifier = new ServiceNotifier(_directory["notify"], null);
        notifier.Ready();
        notifier.Status("two\nlines, and \u00fc");
        notifier.Alive();
        notifier.Stopping();
        Received().Should().Be("READY=1");
        Received().Should().Be("STATUS=two lines, and \u00fc");
        Received().Should().Be("WATCHDOG=1");
        Received().Should().Be("STOPPING=1");
    }

    [Fact]
    public void A_name_with_an_at_sign_is_in_the_abstract_namespace()
    {
        var name = "ctree-test-" + Guid.NewGuid().ToString("N");
        _socket.Bind(new UnixDomainSocketEndPoint("\0" + name));
        // As the kernel sees it, so that what systemd has bound is found too.
        File.ReadAllLines("/proc/net/unix").Should().ContainSingle(line => line.EndsWith(" @" + name, StringComparison.Ordinal));
        using var notifier = new ServiceNotifier("@" + name, null);
        notifier.Ready();
        Received().Should().Be("READY=1");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("relative")]
    [InlineData("/nowhere/at/all")]
    public void Where_nobody_listens_nothing_happens(string? address)
    {
        using var notifier = new ServiceNotifier(address, null);
        notifier.Invoking(n => n.Ready()).Should().NotThrow();
    }

    private string Received()
    {
        var buffer = new byte[4096];
        return Encoding.UTF8.GetString(buffer, 0, _socket.Receive(buffer));
    }
}
