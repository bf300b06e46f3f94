using ContentTree.Server.Monitoring;
using ContentTree.Server.Webhooks;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Deploy;

/// <summary>Devices of a server that was put back from a backup of yesterday.</summary>
public sealed class RestoredServerTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestDevice _device = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        for (var round = 1; round <= 12; round++)
            _server.Publish($"echo {round} > file");
        _device = await TestDevice.EnrolledAsync(_server);
        await _device.TakeAsync();
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_device_proves_what_the_server_forgot_and_takes_what_is_published_next()
    {
        Forget(11, 12);
        (await _device.RunAsync("update")).Code.Should().Be(14, "the server has only an older head");

        _server.Publish("echo after > file");

        var taken = await _device.JsonAsync("update");
        taken["sequence"]!.GetValue<long>().Should().Be(13);
    }

    [Fact]
    public async Task A_number_used_twice_is_passed_over()
    {
        Forget(12);
        var outbox = new Outbox(_server.Data.OpenDatabase(), TimeProvider.System);
        var webhook = outbox.Create(new WebhookRequest("http://192.0.2.1/", ["device.forked"])).Id;
        _server.Publish("echo another twelve > file");
        (await _device.RunAsync("update")).Code.Should().Be(14);
        _server.Devices.List(1).Single().Fork.Should().Be(12);
        outbox.Deliveries(webhook, 10).Should().ContainSingle();
        new FleetMetrics(_server.Data.OpenDatabase(), TimeProvider.System).Troubled().Forked.Should().Be(1);

        _server.Publish("echo thirteen > file");

        (await _device.JsonAsync("update"))["sequence"]!.GetValue<long>().Should().Be(13);
    }

    private void Forget(params long[] sequences)
    {
        var history = Path.Combine(_server.Data.Repository.Path, "history/main");
        foreach (var sequence in sequences)
            File.Delete(Path.Combine(history, $"{sequence}.json"));
        _server.WriteHead("main", _server.Data.Repository.Heads.ReadArchived(BranchName.Parse("main"), sequences[0] - 1)!);
    }
}
