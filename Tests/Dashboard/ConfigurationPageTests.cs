using System.Net;
using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;
using FleetDevice = ContentTree.Tests.Fleet.FleetDevice;

namespace ContentTree.Tests.Dashboard;

/// <summary>The configuration in the browser: said, shown with where it comes from, taken back; and secrets on no page.</summary>
public sealed class ConfigurationPageTests : IAsyncLifetime, IDisposable
{
    private const string Secret = "correct horse battery";

    private TestServer _server = null!;
    private FleetDevice _device = null!;

    private ConfigurationChanges Changes => new(_server.Data, _server.Data.OpenDatabase(), _server.Time);

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        _server.Publish();
        _device = await FleetDevice.EnrolledAsync(_server);
        new Groups(_server.Data.OpenDatabase(), _server.Time).Set(GroupName.Parse("lab"), null, "name==lab-7");
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _device.Dispose();

    [Fact]
    public async Task A_key_is_defined_set_shown_with_its_origin_and_gone_back_in()
    {
        using var client = await PageClient.LogInAsync(_server, TokenRole.Operator);
        (await client.ReadAsync("/configuration")).Should().Contain("No key yet");
        (await client.DoAsync("/configuration", ("name", "site.name"), ("type", "text"), ("description", "for the screen"))).Should().Contain("site.name is a key now").And.Contain("for the screen");
        (await client.DoAsync("/configuration/fleet/set", ("key", "site.name"), ("value", "Ulm\r\nsouth"), ("reason", "opening"), ("revision", "0"))).Should().Contain("hear of it at their next poll")
            .And.Contain("Take it away from 1 device").And.Contain("user ada").And.Contain("opening");
        Changes.Show(new ConfigurationScope.Fleet()).Values.Single().Value.Should().Be("Ulm\nsouth");
        (await client.DoAsync("/configuration/group:lab/set", ("key", "site.name"), ("value", "Bonn"), ("revision", "0"))).Should().Contain("Configuration of group lab").And.Contain("Bonn");
        (await client.ReadAsync($"/devices/{_device.Id}")).Should().Contain("Bonn").And.Contain("href=\"/configuration/group:lab\"").And.Contain("It has yet to take this");
        (await client.ReadAsync("/groups/lab")).Should().Contain("href=\"/configuration/group:lab\"");
        (await client.ReadAsync("/configuration/group:lab")).Should().Contain("Go back for 1 device");

        (await client.DoAsync("/configuration/group:lab/set", ("key", "site.name"), ("value", "Kiel"), ("revision", "0"))).Should().Contain("role=\"alert\"").And.Contain("somebody has changed it meanwhile");
        (await client.DoAsync("/configuration/group:lab/revert", ("to", "0"), ("revision", "1"))).Should().Contain("hear of it").And.NotContain("Take it away");
        (await client.DoAsync("/configuration/fleet/unset", ("key", "site.name"), ("revision", "1"))).Should().Contain("Remove the key");
        (await client.DoAsync("/configuration/remove", ("key", "site.name"))).Should().Contain("is no key any more");
        new Audit(_server.Data, _server.Time).List(new AuditFilter(Actor: "user ada", Verb: "config"), 10).Select(e => e.Verb)
            .Should().Equal("config.remove", "config.set", "config.revert", "config.set", "config.set", "config.define");
    }

    [Fact]
    public async Task A_secret_is_on_no_page()
    {
        using var client = await PageClient.LogInAsync(_server);
        await client.ReadAsync("/configuration");
        await client.DoAsync("/configuration", ("name", "wifi.password"), ("type", "text"), ("secret", "yes"));
        foreach (var (scope, revision) in new[] { ("fleet", 0), ("group:lab", 0), ($"device:{_device.Id}", 0), ("fleet", 1) })
            (await client.DoAsync($"/configuration/{scope}/set", ("key", "wifi.password"), ("value", Secret), ("revision", $"{revision}"))).Should().Contain("(secret)").And.NotContain("horse");
        (await client.DoAsync("/configuration/fleet/set", ("key", "wifi.password"), ("value", Secret + new string('x', 5000)), ("revision", "2"))).Should().Contain("role=\"alert\"").And.NotContain("horse");
        (await client.DoAsync("/configuration/fleet/set", ("key", Secret), ("value", "x"), ("revision", "2"))).Should().Contain("role=\"alert\"");
        foreach (var path in new[] { "/", "/configuration", "/configuration/group:lab", $"/configuration/device:{_device.Id}", $"/devices/{_device.Id}", "/audit", "/audit.csv", "/devices.csv", "/groups/lab" })
            (await client.ReadAsync(path)).Should().NotContain("horse", path);
    }

    [Fact]
    public async Task A_role_that_only_looks_is_shown_no_forms_and_changes_nothing()
    {
        Changes.Define(ContentTree.Store.Trust.ConfigurationKey.Parse("site.name"), new ConfigurationKeyRequest("text"));
        using var client = await PageClient.LogInAsync(_server, TokenRole.Viewer);
        (await client.ReadAsync("/configuration")).Should().Contain("site.name").And.NotContain("<form class=\"panel\"");
        foreach (var path in new[] { "/configuration", "/configuration/remove", "/configuration/fleet/set", "/configuration/fleet/unset", "/configuration/fleet/revert" })
            (await client.PostAsync(path, ("name", "a"), ("type", "text"), ("key", "site.name"), ("value", "x"), ("to", "0"), ("revision", "0"))).StatusCode.Should().Be(HttpStatusCode.Forbidden, path);
        Changes.Show(new ConfigurationScope.Fleet()).Revision.Should().Be(0);
        foreach (var path in new[] { "/configuration/group:none", "/configuration/device:0123456789abcdef", "/configuration/nonsense", "/configuration/%3Cb%3E" })
            (await client.GetAsync(path)).StatusCode.Should().Be(HttpStatusCode.NotFound, path);
    }
}
