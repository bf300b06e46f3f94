using System.Net;
using System.Net.Http.Json;
using ContentTree.Server.Webhooks;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Server;

/// <summary>Two keys for one board, and one key on two boards.</summary>
public sealed class DeviceIdentityTests
{
    [Fact]
    public async Task A_second_key_for_a_known_serial_waits_for_a_person_whatever_token_it_has()
    {
        await using var server = await TestServer.StartAsync();
        using var first = new TestDevice(server);
        using var second = new TestDevice(server);
        var token = server.NewToken(TokenRole.Enrol, uses: 2);
        (await EnrolAsync(first, "SN-0001", token)).Should().Be(DeviceState.Accepted);
        (await EnrolAsync(second, "SN-0001", token)).Should().Be(DeviceState.Pending);
        (await EnrolAsync(second, "SN-0001", token)).Should().Be(DeviceState.Pending, "asking again changes nothing");

        var shown = server.Devices().Find(second.Id);
        (shown.Serial, shown.State).Should().Be(("SN-0001", DeviceState.Pending));
        shown.Conflicts.Should().Equal(first.Id);
        server.Devices().Find(first.Id).State.Should().Be(DeviceState.Accepted, "it is never replaced");
        (await ServerCommand.DoAsync("--data", server.DataPath, "device", "list")).Out.Should().MatchRegex($@"{second.Id}.*pending \(conflict\)").And.MatchRegex($@"{first.Id}.*accepted \(conflict\)");
        (await ServerCommand.DoAsync("--data", server.DataPath, "device", "show", second.Id.ToString())).Out.Should().Contain($"SN-0001; also claimed by {first.Id}");

        // The use of the token was not lost.
        using var third = new TestDevice(server);
        (await EnrolAsync(third, "SN-0002", token)).Should().Be(DeviceState.Accepted);
        // The board got a new key: a person decides.
        await ServerCommand.DoAsync("--data", server.DataPath, "device", "reject", first.Id.ToString());
        await ServerCommand.DoAsync("--data", server.DataPath, "device", "accept", second.Id.ToString());
        server.Devices().Find(second.Id).Conflicts.Should().BeNull();
    }

    [Fact]
    public async Task A_serial_once_said_stays_and_without_one_there_is_no_conflict()
    {
        await using var server = await TestServer.StartAsync();
        using var first = new TestDevice(server);
        using var second = new TestDevice(server);
        await EnrolAsync(first, "SN-0001", null);
        await EnrolAsync(first, "SN-0009", null);
        server.Devices().Find(first.Id).Serial.Should().Be("SN-0001");
        await EnrolAsync(second, "", server.NewToken(TokenRole.Enrol));
        await EnrolAsync(second, "", null);
        (server.Devices().Find(second.Id).Serial, server.Devices().Find(second.Id).Conflicts, server.Devices().Find(second.Id).State).Should().Be((null, null, DeviceState.Accepted));
    }

    [Fact]
    public async Task A_key_that_two_devices_use_is_noticed_by_a_boot_that_comes_back()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
        var outbox = new Outbox(server.Data.OpenDatabase(), server.Time);
        var webhook = outbox.Create(new WebhookRequest("http://192.0.2.1/", ["device.cloned"])).Id;
        foreach (var boot in new[] { "0000000a", "0000000a", "0000000b", "0000000b", "0000000c" })
            await PollAsync(device, boot);
        server.Devices().Find(device.Id).Cloned.Should().BeNull("a device may boot as often as it likes");
        (await MetricsAsync()).Should().Contain("ctree_devices_cloned 0\n");
        await PollAsync(device, "0000000b");
        server.Devices().Find(device.Id).Cloned.Should().BeCloseTo(server.Time.GetUtcNow(), TimeSpan.FromMinutes(1));
        await PollAsync(device, "0000000c");
        outbox.Deliveries(webhook, 10).Should().ContainSingle("it is told once, until somebody has looked");
        (await MetricsAsync()).Should().Contain("ctree_devices_cloned 1\n");
        (await ServerCommand.DoAsync("--data", server.DataPath, "device", "list")).Out.Should().Contain("accepted (cloned)");
        (await ServerCommand.DoAsync("--data", server.DataPath, "device", "show", device.Id.ToString())).Out.Should().Contain("two places used its key");

        await ServerCommand.DoAsync("--data", server.DataPath, "device", "accept", device.Id.ToString());
        await PollAsync(device, "0000000c");
        server.Devices().Find(device.Id).Cloned.Should().BeNull();
        await PollAsync(device, "0000000b");
        outbox.Deliveries(webhook, 10).Should().HaveCount(2);

        async Task<string> MetricsAsync() => await (await server.SendAsync(HttpMethod.Get, "/metrics", token: server.Admin)).Content.ReadAsStringAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData("0000000A")]
    [InlineData("0123456789")]
    [InlineData("../../..")]
    public async Task A_boot_id_that_is_none_is_refused(string boot)
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
        await (await device.PollAsync(Poll(boot))).ShouldBeProblemAsync(ProblemCode.BadRequest);
    }

    private static PollRequest Poll(string boot) => new(BranchName.Parse("stable"), "good", 1, 0, BootId: boot);

    private static async Task PollAsync(TestDevice device, string boot) => (await device.PollAsync(Poll(boot))).StatusCode.Should().Be(HttpStatusCode.OK);

    private static async Task<DeviceState> EnrolAsync(TestDevice device, string serial, string? token)
    {
        var request = new EnrolRequest(device.Key.Public.Pem, "lab", "scope-2", "x86_64", BranchName.Parse("stable"), token, serial);
        using var answer = await device.SendAsync(Routes.Enrol, request, ProtocolJson.Default.EnrolRequest);
        return (await answer.Content.ReadFromJsonAsync(ProtocolJson.Default.EnrolAnswer))!.State;
    }
}
