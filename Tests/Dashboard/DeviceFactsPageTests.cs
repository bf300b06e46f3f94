using System.Net;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Dashboard;

/// <summary>What a device says it is made of, and how its /etc differs from its tree, on its page and in the lists.</summary>
public sealed class DeviceFactsPageTests : IAsyncLifetime, IDisposable
{
    private TestServer _server = null!;
    private TestDevice _device = null!;
    private PageClient _client = null!;

    private string PagePath => $"/devices/{_device.Id}";

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        _server.Publish();
        _device = new TestDevice(_server);
        await _device.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        _client = await PageClient.LogInAsync(_server, TokenRole.Viewer);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose()
    {
        _client.Dispose();
        _device.Dispose();
    }

    [Fact]
    public async Task How_its_etc_differs_from_its_tree_is_said_path_by_path_until_it_does_no_more()
    {
        await PollAsync();
        (await ReadAsync(PagePath)).Should().NotContain("Its /etc", "nothing was said of it");

        await PollAsync(drift: new DeviceDrift(1, 2, 3, ["+/etc/issue.d/own", "~/etc/hosts", "-/etc/motd"]));
        (await ReadAsync(PagePath)).Should().Contain("1 added, 2 changed, 3 removed against its tree").And.Contain("The first 3 paths").And.Contain("/etc/issue.d/own\n~/etc/hosts\n-/etc/motd</pre>");
        (await ReadAsync("/devices?standing=changed+%2Fetc")).Should().Contain($"{_device.Id}");
        (await CsvAsync()).Should().EndWith(",1,2,3");

        await PollAsync();
        (await ReadAsync(PagePath)).Should().Contain("1 added, 2 changed", "it says so again only when that changes");

        await PollAsync(drift: new DeviceDrift(0, 1, 0, ["~/etc/hosts"]));
        (await ReadAsync(PagePath)).Should().Contain("0 added, 1 changed, 0 removed").And.Contain("Which paths").And.NotContain("/etc/motd");

        await PollAsync(drift: new DeviceDrift(0, 0, 0));
        (await ReadAsync(PagePath)).Should().Contain("as in its tree").And.NotContain("/etc/hosts");
        (await ReadAsync("/devices?standing=changed+%2Fetc")).Should().Contain("No device is like that");
        (await CsvAsync()).Should().EndWith(",0,0,0");
    }

    [Fact]
    public async Task What_it_is_made_of_is_said_and_a_disk_that_is_nearly_full_wants_attention()
    {
        await PollAsync();
        (await ReadAsync(PagePath)).Should().NotContain("<dt>Agent</dt>").And.NotContain("<dt>Space</dt>", "nothing was said of it");

        await PollAsync(new DeviceInventory("1.2.3", "6.12.9-scope", 512_000_000, 8_000_000_000, 4_000_000_000, 123_456));
        (await ReadAsync(PagePath)).Should().Contain("1.2.3, kernel 6.12.9-scope, 512 MB of memory").And.Contain("4.0 GB of 8.0 GB free, room for 123 456 files");
        (await ReadAsync("/")).Should().NotContain("hardly any space");
        (await CsvAsync()).Should().Contain(",1.2.3,6.12.9-scope,512000000,8000000000,4000000000,123456,");

        await PollAsync(new DeviceInventory("1.2.4", "6.12.9-scope", 512_000_000, 8_000_000_000, 300_000_000));
        (await ReadAsync(PagePath)).Should().Contain("1.2.4, kernel").And.Contain("300 MB of 8.0 GB free").And.NotContain("room for");
        (await ReadAsync("/")).Should().Contain("1 device with hardly any space left").And.Contain("href=\"/devices?standing=low+space\"");
        (await ReadAsync("/devices?standing=low+space")).Should().Contain($"{_device.Id}");
    }

    private async Task PollAsync(DeviceInventory? inventory = null, DeviceDrift? drift = null) =>
        (await _device.PollAsync(new PollRequest(BranchName.Parse("stable"), "good", 1, 0, Inventory: inventory, Drift: drift))).EnsureSuccessStatusCode();

    private async Task<string> ReadAsync(string path) => WebUtility.HtmlDecode(await _client.ReadAsync(path));

    private async Task<string> CsvAsync() => (await ReadAsync("/devices.csv")).TrimEnd('\n').Split('\n')[^1];
}
