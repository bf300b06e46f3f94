using System.Net;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Dashboard;

/// <summary>Nothing is changed by a request that no form of ours has sent, and nothing by a role that may not.</summary>
public sealed class FormTests
{
    [Fact]
    public async Task A_form_without_the_sessions_own_token_changes_nothing()
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        await device.EnrolAsync();
        using var ada = await PageClient.LogInAsync(server);
        using var bob = await PageClient.LogInAsync(server, name: "bob");
        await bob.ReadAsync("/");
        foreach (var token in new[] { "", "0", bob.FormToken, new string('a', 64) })
        {
            ada.FormToken = token;
            (await ada.PostAsync($"/devices/{device.Id}/accept")).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        }
        server.Devices().Find(device.Id).State.Should().Be(DeviceState.Pending);
        await ada.ReadAsync("/");
        (await ada.PostAsync($"/devices/{device.Id}/accept")).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        server.Devices().Find(device.Id).State.Should().Be(DeviceState.Accepted);
    }

    [Theory]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    public async Task A_form_on_another_sites_page_changes_nothing_even_with_the_token(string header, string value)
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        await device.EnrolAsync();
        using var client = await PageClient.LogInAsync(server);
        await client.ReadAsync("/");
        (await client.PostFromAsync($"/devices/{device.Id}/accept", [(header, value)])).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        server.Devices().Find(device.Id).State.Should().Be(DeviceState.Pending);
        (await client.PostFromAsync($"/devices/{device.Id}/accept", [("Origin", server.Url), ("Sec-Fetch-Site", "same-origin")])).StatusCode.Should().Be(HttpStatusCode.SeeOther);
    }

    [Fact]
    public async Task The_login_has_a_token_too()
    {
        await using var server = await TestServer.StartAsync();
        using var client = new PageClient(server);
        (await client.PostAsync("/login", ("name", "ada"), ("password", PageClient.Password))).StatusCode.Should().Be(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task What_a_role_may_not_is_neither_shown_nor_done()
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        await device.EnrolAsync();
        using var viewer = await PageClient.LogInAsync(server, TokenRole.Viewer, "vera");
        (await viewer.ReadAsync($"/devices/{device.Id}")).Should().NotContain("/accept\"").And.NotContain("/remove\"");
        (await viewer.ReadAsync("/approvals")).Should().NotContain("type=\"checkbox\"");
        (await viewer.ReadAsync("/")).Should().NotContain("href=\"/users\"").And.NotContain("href=\"/tokens\"");
        foreach (var action in new[] { "accept", "reject", "assign", "remove" })
            (await viewer.PostAsync($"/devices/{device.Id}/{action}", ("action", "hold"))).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await viewer.PostAsync("/approvals", ("device", device.Id.ToString()), ("decision", "accept"))).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        server.Devices().Find(device.Id).State.Should().Be(DeviceState.Pending);
    }

    [Fact]
    public async Task Pages_say_what_they_may_load_and_are_not_kept()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await PageClient.LogInAsync(server);
        foreach (var path in new[] { "/", "/devices", "/devices/0000000000000000", "/login" })
        {
            var answer = await client.GetAsync(path);
            var policy = answer.Headers.GetValues("Content-Security-Policy").Single();
            policy.Should().Contain("default-src 'none'").And.Contain("frame-ancestors 'none'").And.Contain("base-uri 'none'").And.Contain("form-action 'self'").And.NotContain("unsafe");
            answer.Headers.GetValues("X-Frame-Options").Should().Equal("DENY");
            answer.Headers.GetValues("X-Content-Type-Options").Should().Equal("nosniff");
            answer.Headers.GetValues("Referrer-Policy").Should().Equal("same-origin");
            answer.Headers.CacheControl!.NoStore.Should().BeTrue();
            (await answer.Content.ReadAsStringAsync()).Should().NotContain("style=\"").And.NotContain("onclick").And.NotMatchRegex("<script>");
        }
    }

    [Fact]
    public async Task The_cookie_is_for_no_script_and_behind_tls_for_no_other_host()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await PageClient.LogInAsync(server);
        var cookie = client.Cookies["ctree-session"]!;
        cookie.HttpOnly.Should().BeTrue();
        await client.ReadAsync("/");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/login");
        request.Headers.Add("X-Forwarded-Proto", "https");
        var answer = await server.Http.SendAsync(request);
        answer.Headers.GetValues("Set-Cookie").Single().Should().Contain("secure").And.Contain("httponly").And.Contain("samesite=lax");
    }

    [Fact]
    public async Task The_interface_goes_on_answering_programs_as_before()
    {
        await using var server = await TestServer.StartAsync();
        foreach (var (method, path, status) in new[] { (HttpMethod.Get, "/api/v1/nothing", HttpStatusCode.NotFound), (HttpMethod.Put, "/api/v1/poll", HttpStatusCode.MethodNotAllowed), (HttpMethod.Get, "/api/v1/devices", HttpStatusCode.Unauthorized) })
        {
            var answer = await server.SendAsync(method, path);
            answer.StatusCode.Should().Be(status);
            answer.Content.Headers.ContentType!.MediaType.Should().Be(Problem.MediaType);
        }
    }

    [Fact]
    public async Task A_sessions_cookie_opens_nothing_of_the_interface()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await PageClient.LogInAsync(server);
        (await client.GetAsync("/api/v1/devices")).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
    }
}
