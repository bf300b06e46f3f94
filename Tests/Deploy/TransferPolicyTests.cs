using ContentTree.Server.Fleet.Transfers;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Deploy;

/// <summary>Limits that a server asks for, on a real device: they tighten what its own files say, and loosen nothing.</summary>
public sealed class TransferPolicyTests : IAsyncLifetime
{
    private const string Always = "00:00-23:59 UTC";

    private TestServer _server = null!;
    private TestDevice _device = null!;

    private TransferBook Book => new(_server.Data.OpenDatabase(), TimeProvider.System);

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Publish("echo one > file");
        _device = await TestDevice.EnrolledAsync(_server);
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_device_keeps_quiet_when_its_server_asks_for_it_and_goes_on_when_it_does_no_more()
    {
        Book.Set(TransferScope.Fleet, new TransferPolicy(QuietHours: Quiet), "a test");
        var refused = await _device.RunAsync("update");
        (refused.Code, refused.Error).Should().Be((16, refused.Error)).And.Match<(int Code, string Error)>(r => r.Error.Contains("no downloads from"));
        Book.Remove(TransferScope.Fleet);
        (await _device.RunAsync("update")).Code.Should().Be(0);
    }

    [Fact]
    public async Task What_a_devices_own_files_say_is_not_loosened()
    {
        _device.Configure($"[transfer]\nquiet-hours = {Quiet}\n");
        Book.Set(TransferScope.Fleet, new TransferPolicy(0, 0, ""), "a test");
        (await _device.RunAsync("update")).Code.Should().Be(16);
        Book.Set(TransferScope.Fleet, new TransferPolicy(1_000_000_000, QuietHours: "00:00-00:01 UTC"), "a test");
        (await _device.RunAsync("update")).Code.Should().Be(16);
    }

    // Far from its ends, whenever the test runs.
    private static string Quiet => $"{DateTime.UtcNow.AddHours(-2):HH:mm}-{DateTime.UtcNow.AddHours(2):HH:mm} UTC";
}
