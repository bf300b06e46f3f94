using ContentTree.Store.Trust;
using ContentTree.Tests.Deploy;

namespace ContentTree.Tests.Crash;

/// <summary>A device that is killed while it changes its key: at every call that changes a file, and so at every durable step.</summary>
[Trait("Category", "Slow")]
public sealed class KeyRotationCrashTests
{
    private static readonly string[] Rotate = ["key", "rotate"];

    [Fact]
    public async Task Killed_at_any_call_it_locks_the_device_out_of_nothing()
    {
        await using var server = await TestServer.StartAsync();
        server.Publish("echo one > file");
        using var model = await TestDevice.EnrolledAsync(server);
        var log = model.Root + ".log";
        (await FaultyProgram.RunAsync(model.Root, Rotate, fault: null, log)).Code.Should().Be(0);
        var calls = File.ReadLines(log).Count();
        calls.Should().BeGreaterThan(10);

        for (var call = 1; call <= calls; call++)
            await TryAsync(server, new Fault.Kill(call));
    }

    private static async Task TryAsync(TestServer server, Fault fault)
    {
        using var device = await TestDevice.EnrolledAsync(server);
        var id = await IdAsync(device);
        var end = await FaultyProgram.RunAsync(device.Root, Rotate, fault);

        // As it was left, and then with what was begun brought to its end.
        var update = await device.RunAsync("update");
        update.Code.Should().Be(0, "{0}: {1}", fault, update.Error);
        (await IdAsync(device)).Should().Be(id);
        var again = await device.RunAsync(Rotate);
        again.Code.Should().Be(0, "{0}, {1}: {2}", fault, end.Code, again.Error);
        (await device.RunAsync("update")).Code.Should().Be(0);
        server.Devices.Find(KeyId.Parse(id)).KeyChanged.Should().NotBeNull();
        Directory.GetFiles(device.Layout.State, "device.*").Should().Equal(Path.Combine(device.Layout.State, "device.pem"));
    }

    private static async Task<string> IdAsync(TestDevice device) => (await device.JsonAsync("status"))["device"]!.GetValue<string>();
}
