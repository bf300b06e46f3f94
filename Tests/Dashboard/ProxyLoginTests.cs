using System.Net;
using ContentTree.Server.Dashboard.Login;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Dashboard;

/// <summary>Whom a proxy vouches for gets in, and nobody else says who he is.</summary>
public sealed class ProxyLoginTests : IAsyncLifetime
{
    private const string Settings = "login.proxy-header = Remote-User\nlogin.proxy-groups-header = Remote-Groups\nlogin.proxy-roles = admins:admin, ops:operator\n";

    private TestServer _server = null!;

    private Users Users => new(_server.Data.OpenDatabase(), _server.Time);

    public async Task InitializeAsync() => _server = await TestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Whom_the_proxy_vouches_for_is_in_with_the_role_of_his_groups()
    {
        await ConfigureAsync(Settings + "login.proxy-addresses = 127.0.0.1\nlogin.proxy-role = viewer\n");
        foreach (var (name, groups, role) in new[] { ("ada", "staff,admins,ops", "admin"), ("bob@example.org", "ops", "operator"), ("cy", "", "viewer"), ("dee", "adminsx, opsy", "viewer") })
        {
            using var client = new PageClient(_server);
            (await ReadAsync(client, "/account", ("Remote-User", name), ("Remote-Groups", groups))).Should().Contain($"<h1>{name}</h1>").And.Contain($"<strong>{role}</strong>");
        }
        using var browser = new PageClient(_server);
        await ReadAsync(browser, "/account", ("Remote-User", "ada"), ("Remote-Groups", "admins"));
        (await ReadAsync(browser, "/account", ("Remote-User", "ada"), ("Remote-Groups", "ops"))).Should().Contain("<strong>operator</strong>", "the proxy says each time");
        (await ReadAsync(browser, "/account", ("Remote-User", "bob@example.org"), ("Remote-Groups", "ops"))).Should().Contain("<h1>bob@example.org</h1>");
        (await browser.SendAsync(HttpMethod.Get, "/account")).StatusCode.Should().Be(HttpStatusCode.SeeOther, "the session goes on behind the proxy only");
        Users.SetDisabled("cy", true);
        using var other = new PageClient(_server);
        (await other.SendAsync(HttpMethod.Get, "/account", ("Remote-User", "cy"))).StatusCode.Should().Be(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Whose_role_is_lowered_at_the_proxy_loses_it_with_the_next_request_in_every_browser()
    {
        await ConfigureAsync(Settings + "login.proxy-addresses = 127.0.0.1\n");
        using var device = new TestDevice(_server);
        await device.EnrolAsync();
        using var desk = new PageClient(_server);
        using var phone = new PageClient(_server);
        foreach (var browser in new[] { desk, phone })
            (await ReadAsync(browser, "/users", ("Remote-User", "ada"), ("Remote-Groups", "admins"))).Should().Contain("ada");
        (await desk.SendAsync(HttpMethod.Get, "/users", ("Remote-User", "ada"), ("Remote-Groups", "ops"))).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        Users.Find("ada").Role.Should().Be(TokenRole.Operator);
        // Without a role she is nobody, with a session or without, and her old forms do nothing.
        foreach (var browser in new[] { desk, phone })
        {
            (await browser.SendAsync(HttpMethod.Get, "/", ("Remote-User", "ada"), ("Remote-Groups", ""))).StatusCode.Should().Be(HttpStatusCode.Forbidden);
            (await browser.PostFromAsync($"/devices/{device.Id}/accept", [("Origin", _server.Url), ("Remote-User", "ada")])).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        }
        _server.Devices().Find(device.Id).State.Should().Be(DeviceState.Pending);
    }

    [Fact]
    public async Task Who_is_expected_with_a_limit_has_it_at_the_first_login()
    {
        await ConfigureAsync(Settings + "login.proxy-addresses = 127.0.0.1\n");
        await ServerCommand.DoAsync("--data", _server.DataPath, "group", "set", "lab");
        await ServerCommand.DoAsync("--data", _server.DataPath, "user", "add", "bob", "--by", "proxy", "--group", "lab");
        (await ServerCommand.RunAsync("--data", _server.DataPath, "user", "add", "cy", "--by", "proxy", "--role", "admin")).Exit.Should().Be((int)ExitCode.Usage);
        using (var admin = await PageClient.LogInAsync(_server))
        {
            await admin.ReadAsync("/users");
            (await admin.DoAsync("/users/expect", ("name", "dee"), ("by", "issuer"), ("groups", "lab"))).Should().Contain("dee may come by the issuer");
            (await admin.DoAsync("/users/expect", ("name", "bob"), ("by", "issuer"), ("groups", ""))).Should().Contain("there is a user bob already");
            (await admin.DoAsync("/users/expect", ("name", "eve"), ("by", "nobody"), ("groups", ""))).Should().Contain("is no other login");
        }
        using var client = new PageClient(_server);
        (await ReadAsync(client, "/account", ("Remote-User", "bob"), ("Remote-Groups", "ops"))).Should().Contain("<strong>operator</strong>");
        (await client.SendAsync(HttpMethod.Get, "/audit", ("Remote-User", "bob"), ("Remote-Groups", "ops"))).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        Users.Find("bob").Groups.Should().Equal("lab");
        // The issuer's, not the proxy's.
        (await client.SendAsync(HttpMethod.Get, "/account", ("Remote-User", "dee"), ("Remote-Groups", "ops"))).StatusCode.Should().Be(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task A_limit_is_changed_later_also_of_an_admin_by_the_proxy_who_is_not_the_admin_that_has_to_stay()
    {
        await ConfigureAsync(Settings + "login.proxy-addresses = 127.0.0.1\n");
        foreach (var group in new[] { "lab", "field" })
            await ServerCommand.DoAsync("--data", _server.DataPath, "group", "set", group);
        Users.Expect("bob", "proxy", ["lab"]);
        using (var client = new PageClient(_server))
            (await ReadAsync(client, "/account", ("Remote-User", "bob"), ("Remote-Groups", "admins"))).Should().Contain("<strong>admin</strong>");
        await ServerCommand.DoAsync("--data", _server.DataPath, "user", "limit", "bob", "--group", "field");
        Users.Find("bob").Should().Match<User>(u => u.Role == TokenRole.Admin && u.Groups!.Single() == "field");
        await ServerCommand.DoAsync("--data", _server.DataPath, "user", "role", "bob", "publisher");
        Users.Vouch("bob", TokenRole.Admin, "proxy");

        Users.Add("ada", TokenRole.Admin, PageClient.Password);
        (await ServerCommand.RunAsync("--data", _server.DataPath, "user", "disable", "ada")).Error.Should().Contain("last admin", "bob lets nobody in again");
        await ServerCommand.DoAsync("--data", _server.DataPath, "user", "disable", "bob");
        await ServerCommand.DoAsync("--data", _server.DataPath, "user", "enable", "bob");
        await ServerCommand.DoAsync("--data", _server.DataPath, "user", "limit", "bob", "--none");
        await ServerCommand.DoAsync("--data", _server.DataPath, "user", "disable", "ada");
        (await ServerCommand.RunAsync("--data", _server.DataPath, "user", "limit", "bob", "--group", "lab")).Error.Should().Contain("last admin");
        (await ServerCommand.DoAsync("--data", _server.DataPath, "user", "list")).Out.Should().MatchRegex("ada +admin +all +disabled +password").And.MatchRegex("bob +admin +all +enabled +proxy");
        (await ServerCommand.DoAsync("--data", _server.DataPath, "user", "list", "--json")).Out.Should().MatchRegex("\"name\": ?\"bob\",\\s+\"role\": ?\"admin\",\\s+\"source\": ?\"proxy\"");
    }

    [Theory]
    [InlineData("login.proxy-addresses = 192.0.2.7\n", "127.0.0.1")]
    [InlineData("login.proxy-addresses = 192.0.2.7\n", "192.0.2.7")]
    [InlineData("", "127.0.0.1")]
    public async Task The_header_is_nothing_from_anybody_else(string addresses, string forwarded)
    {
        await ConfigureAsync(addresses.Length > 0 ? Settings + addresses + "login.proxy-role = admin\n" : "");
        using var client = new PageClient(_server);
        (await client.SendAsync(HttpMethod.Get, "/account", ("Remote-User", "ada"), ("Remote-Groups", "admins"), ("X-Forwarded-For", forwarded))).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        Users.List().Should().BeEmpty();
    }

    [Fact]
    public async Task A_name_with_a_password_here_is_not_taken_over()
    {
        await ConfigureAsync(Settings + "login.proxy-addresses = 127.0.0.1\nlogin.proxy-role = viewer\n");
        using var ada = await PageClient.LogInAsync(_server, name: "ada");
        (await ada.ReadAsync("/account")).Should().Contain("<strong>admin</strong>", "who has a password logs in as before");
        using var client = new PageClient(_server);
        var refused = await client.SendAsync(HttpMethod.Get, "/account", ("Remote-User", "ada"), ("Remote-Groups", "admins"));
        refused.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await refused.Content.ReadAsStringAsync()).Should().Contain("the proxy does not vouch");
        // Nor does whom the proxy vouches for get in without it.
        await ReadAsync(client, "/account", ("Remote-User", "bob"));
        using var guess = new PageClient(_server);
        await guess.ReadAsync("/login");
        (await guess.PostAsync("/login", ("name", "bob"), ("password", ""))).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        FluentActions.Invoking(() => Users.SetPassword("bob", PageClient.Password)).Should().Throw<FormatException>();
    }

    [Fact]
    public async Task Two_names_strange_names_and_names_without_a_role_are_refused()
    {
        await ConfigureAsync(Settings + "login.proxy-addresses = 127.0.0.1\n");
        using var client = new PageClient(_server);
        (await client.SendAsync(HttpMethod.Get, "/account", ("Remote-User", "ada"), ("Remote-User", "bob"), ("Remote-Groups", "admins"))).StatusCode.Should().BeOneOf(HttpStatusCode.SeeOther, HttpStatusCode.BadRequest);
        (await client.SendAsync(HttpMethod.Get, "/account", ("Remote-User", "ada"), ("Remote-Groups", "nobody"))).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await client.SendAsync(HttpMethod.Get, "/account", ("Remote-User", "<script>"), ("Remote-Groups", "admins"))).StatusCode.Should().Be(HttpStatusCode.BadRequest);
        Users.List().Should().BeEmpty();
    }

    [Fact]
    public async Task A_form_of_another_site_changes_nothing_though_the_proxy_vouches()
    {
        await ConfigureAsync(Settings + "login.proxy-addresses = 127.0.0.1\nlogin.proxy-role = admin\n");
        using var device = new TestDevice(_server);
        await device.EnrolAsync();
        using var client = new PageClient(_server);
        await ReadAsync(client, "/", ("Remote-User", "ada"));
        foreach (var origin in new[] { "https://evil.example", _server.Url })
        {
            var token = origin == _server.Url ? new string('a', 64) : client.FormToken;
            client.FormToken = token;
            (await client.PostFromAsync($"/devices/{device.Id}/accept", [("Origin", origin), ("Remote-User", "ada")])).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        }
        _server.Devices().Find(device.Id).State.Should().Be(DeviceState.Pending);
    }

    [Theory]
    [InlineData("login.proxy-header = Remote-User\n", "needs login.proxy-addresses")]
    [InlineData("login.proxy-header = a b\n", "is a header's name")]
    [InlineData("login.proxy-role = root\n", "is a role")]
    [InlineData("login.proxy-roles = admins\n", "GROUP:ROLE")]
    [InlineData("login.proxy-addresses = everybody\n", "'everybody' is none")]
    public async Task A_setting_that_is_none_is_refused(string line, string why)
    {
        _server.WriteSettings(line);
        (await ServerCommand.RunAsync("--data", _server.DataPath, "gc", "--dry-run")).Error.Should().Contain(why);
    }

    private async Task ConfigureAsync(string settings)
    {
        _server.WriteSettings(settings);
        await _server.RestartAsync();
    }

    private static async Task<string> ReadAsync(PageClient client, string path, params (string Name, string Value)[] headers)
    {
        var answer = await client.SendAsync(HttpMethod.Get, path, headers);
        var text = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.Should().Be(HttpStatusCode.OK, text);
        return text;
    }
}
