using System.Text.Json;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Server;

/// <summary><c>device pin</c> and <c>device hold</c>, on the data and over HTTP.</summary>
public sealed class AssignCommandTests
{
    [Fact]
    public async Task An_operator_pins_a_device_here_and_from_elsewhere()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var one = server.Publish().Commit;
        server.WriteSource("file", "two");
        var two = server.Publish().Commit;
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));

        (await ServerCommand.DoAsync("--data", server.DataPath, "device", "pin", $"{device.Id}", one.ToString()[..8], "--reason", "odd noise")).Out.Should().Be($"{device.Id} pin {one}\n");
        (await ServerCommand.DoAsync("--data", server.DataPath, "device", "show", $"{device.Id}")).Out.Should().Contain($"assigned      pin {one}").And.Contain("odd noise (it has not heard of it yet)");
        server.Devices().Needs().Select(n => n.Pinned).Should().Contain(one, "gc keeps what a device is pinned to");
        var told = await PollAsync(device, null);
        JsonDocument.Parse(told.Assignment!.Bytes).RootElement.GetProperty("signed").GetProperty("commit").GetString().Should().Be(one.ToString());
        (await PollAsync(device, server.Devices().Find(device.Id).Assignment!.Counter)).Assignment.Should().BeNull("it has it");

        string[] remote = ["--server", server.Url, "--token", server.NewToken(TokenRole.Operator)];
        (await ServerCommand.DoAsync(["device", "hold", $"{device.Id}", .. remote])).Out.Should().Be($"{device.Id} hold\n");
        (await ServerCommand.DoAsync(["device", "pin", $"{device.Id}", "stable", .. remote])).Out.Should().Contain(two.ToString());
        (await ServerCommand.DoAsync(["device", "pin", $"{device.Id}", "none", .. remote])).Out.Should().Be($"{device.Id} follow\n");
        server.Devices().Find(device.Id).Assignment!.Counter.Should().BeGreaterThan(3);
    }

    [Fact]
    public async Task What_makes_no_sense_or_is_not_allowed_changes_nothing()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        server.WriteSource("file", "beta");
        var beta = server.Publish("beta").Commit;
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));

        (await ServerCommand.RunAsync(["--data", server.DataPath, "device", "pin", $"{device.Id}", $"{beta}"])).Should().Match<ServerCommand>(
            r => r.Exit == 17 && r.Error.Contains("never published on stable", StringComparison.Ordinal));
        (await ServerCommand.RunAsync(["--data", server.DataPath, "device", "pin", "0123456789abcdef", $"{beta}"])).Exit.Should().Be(17);
        (await ServerCommand.RunAsync(["--data", server.DataPath, "device", "hold", $"{device.Id}", "--reason", "a\nb"])).Exit.Should().NotBe(0);
        (await ServerCommand.RunAsync(["device", "hold", $"{device.Id}", "--server", server.Url, "--token", server.NewToken(TokenRole.Viewer)])).Exit.Should().Be(12);
        server.Devices().Find(device.Id).Assignment.Should().BeNull();
    }

    private static async Task<PollAnswer> PollAsync(TestDevice device, long? known)
    {
        using var answer = await device.PollAsync(new PollRequest(ContentTree.Store.Objects.BranchName.Parse("stable"), "", 1, 0, Assignment: known));
        return JsonSerializer.Deserialize(await answer.Content.ReadAsByteArrayAsync(), ProtocolJson.Default.PollAnswer)!;
    }
}
