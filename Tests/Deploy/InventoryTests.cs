using System.Text.Json;
using ContentTree.Deploy.Transfer;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Deploy;

/// <summary>What devices say they are made of: to the server once, and again only when it is news.</summary>
public sealed class InventoryTests
{
    private const long Disk = 8L << 30;

    private static readonly DeviceInventory Usual = new("0.1.0", "6.1.0-18", 1 << 30, Disk, 4L << 30, 400_000);

    [Fact]
    public async Task A_device_tells_it_once_and_again_when_the_server_does_not_know_it()
    {
        await using var server = await TestServer.StartAsync();
        var commit = server.Publish("echo one > file");
        using var device = await TestDevice.EnrolledAsync(server);
        await device.UpdateAsync();
        var told = server.Devices.List(1).Single();
        told.Inventory!.Kernel.Should().Be(File.ReadAllText("/proc/sys/kernel/osrelease").Trim());
        told.Inventory.Free.Should().BeInRange(1, told.Inventory.Size!.Value);
        told.Inventory.Memory.Should().BeGreaterThan(64 << 20);
        told.Inventory.Agent.Should().NotBeEmpty();

        Forget(server);
        await device.RunAsync("update");
        server.Devices.List(1).Single().Inventory.Should().BeNull("nothing has changed, and the device did not know that it was forgotten");
        await device.RunAsync("update");
        server.Devices.List(1).Single().Inventory.Should().NotBeNull();
    }

    [Theory]
    [InlineData(4L << 30, 400_000, false)]
    [InlineData((4L << 30) - (900L << 20), 400_000, false)]
    [InlineData((4L << 30) - (1100L << 20), 400_000, true)]
    [InlineData(4L << 30, 190_000, true)]
    [InlineData(4L << 30, 210_000, false)]
    public void Only_much_more_or_less_room_is_news(long free, long inodes, bool isNews) =>
        DeviceParts.IsNews(Usual, Usual with { Free = free, Inodes = inodes }).Should().Be(isNews);

    [Fact]
    public void Other_parts_are_news_and_a_little_of_hardly_anything_is_not()
    {
        DeviceParts.IsNews(Usual, Usual with { Kernel = "6.1.0-19" }).Should().BeTrue();
        DeviceParts.IsNews(Usual, Usual with { Inodes = null }).Should().BeTrue();
        DeviceParts.IsNews(Usual with { Free = 1 << 20 }, Usual with { Free = 3 << 20 }).Should().BeFalse();
        DeviceParts.IsNews(Usual with { Free = 20 << 20 }, Usual with { Free = 60 << 20 }).Should().BeTrue();
    }

    [Fact]
    public async Task It_can_be_asked_for_and_little_room_wants_attention()
    {
        await using var server = await Tests.Server.TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        using var device = new Tests.Server.TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
        var poll = new PollRequest(BranchName.Parse("stable"), "good", 1, 0, Inventory: Usual);
        (await device.PollAsync(poll with { Inventory = Usual with { Kernel = "6\u001b[2J" } })).StatusCode.Should().Be(System.Net.HttpStatusCode.BadRequest);
        (await device.PollAsync(poll with { Inventory = Usual with { Free = -1 } })).StatusCode.Should().Be(System.Net.HttpStatusCode.BadRequest);
        (await AskAsync(poll with { Inventory = null })).Tell.Should().BeTrue();
        (await AskAsync(poll)).Tell.Should().BeNull();
        foreach (var (filter, isFound) in new[]
        {
            ("free<5G", true), ("free<4G", false), ("free > 4194303K and kernel~6.1.*", true), ("agent==0.1.0 and memory<2G and inodes>1000", true), ("size>8G", false), ("not size>8G", true),
        })
        {
            (await ListAsync(filter)).Should().HaveCount(isFound ? 1 : 0, filter);
        }
        (await server.SendAsync(HttpMethod.Get, $"{Routes.Devices}?q=free==5", token: server.Admin)).StatusCode.Should().Be(System.Net.HttpStatusCode.BadRequest);
        (await server.SendAsync(HttpMethod.Get, $"{Routes.Devices}?q=free<9999999999G", token: server.Admin)).StatusCode.Should().Be(System.Net.HttpStatusCode.BadRequest);

        using var client = await Dashboard.PageClient.LogInAsync(server, TokenRole.Viewer);
        (await client.ReadAsync("/")).Should().NotContain("hardly any space");
        await AskAsync(poll with { Inventory = Usual with { Free = 300L << 20 } });
        server.Time.Ahead += TimeSpan.FromSeconds(5);
        (await client.ReadAsync("/")).Should().Contain("1 device with hardly any space left");
        (await client.ReadAsync("/devices?standing=low+space")).Should().Contain($"{device.Id}");
        (await client.ReadAsync("/devices.csv")).Should().Contain($",0.1.0,6.1.0-18,{1 << 30},{Disk},{300L << 20},400000");
        (await client.ReadAsync($"/devices/{device.Id}")).Should().Contain("kernel 6.1.0-18").And.Contain("room for 400");
        (await Tests.Server.ServerCommand.DoAsync("--data", server.DataPath, "device", "show", $"{device.Id}")).Out.Should().Contain("made of       agent 0.1.0, kernel 6.1.0-18");

        async Task<PollAnswer> AskAsync(PollRequest request) => JsonSerializer.Deserialize(await (await device.PollAsync(request)).EnsureSuccessStatusCode().Content.ReadAsStringAsync(), ProtocolJson.Default.PollAnswer)!;

        async Task<IReadOnlyList<DeviceInfo>> ListAsync(string filter) => JsonSerializer.Deserialize(
            await (await server.SendAsync(HttpMethod.Get, $"{Routes.Devices}?q={Uri.EscapeDataString(filter)}", token: server.Admin)).EnsureSuccessStatusCode().Content.ReadAsStringAsync(), ProtocolJson.Default.DeviceList)!.Devices;
    }

    private static void Forget(TestServer server) => server.Data.OpenDatabase().Connect().Execute("UPDATE devices SET told = NULL");
}
