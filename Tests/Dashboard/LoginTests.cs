using System.Net;
using ContentTree.Server.Dashboard.Login;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Dashboard;

/// <summary>Who gets to the pages, how, and for how long.</summary>
public sealed class LoginTests
{
    [Fact]
    public async Task The_first_link_sets_up_an_admin_once()
    {
        await using var server = await TestServer.StartAsync();
        var link = Link(await ServerCommand.DoAsync("--data", server.DataPath, "admin-link", "--url", server.Url));
        using var client = new PageClient(server);
        (await client.ReadAsync("/welcome/" + link)).Should().Contain("Choose the name and password");
        // Looking does not use it up: previews of links are fetched by programs.
        await client.ReadAsync("/welcome/" + link);

        (await client.DoAsync("/welcome", ("link", link), ("name", "ada"), ("password", PageClient.Password), ("again", PageClient.Password))).Should().Contain("<h1>Overview</h1>");
        new Users(server.Data.OpenDatabase(), server.Time).List().Should().ContainSingle().Which.Role.Should().Be(TokenRole.Admin);
        using var second = new PageClient(server);
        (await second.GetAsync("/welcome/" + link)).StatusCode.Should().Be(HttpStatusCode.BadRequest);
        await second.ReadAsync("/login");
        (await second.PostAsync("/welcome", ("link", link), ("name", "eve"), ("password", PageClient.Password), ("again", PageClient.Password))).StatusCode.Should().Be(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_server_prints_a_link_at_each_start_until_somebody_has_used_one()
    {
        using var temporary = new TemporaryDirectory();
        async Task<string> StartAsync()
        {
            var (process, _) = await ServerProcess.ServeAsync(temporary["data"]);
            using (process)
                (await process.SignalAsync("TERM")).Should().Be(0);
            return process.Said;
        }
        (await StartAsync()).Should().MatchRegex("dashboard: http://127.0.0.1:[0-9]+/welcome/[A-Za-z0-9_-]{43} ");
        (await StartAsync()).Should().Contain("/welcome/", "the first may be lost");
        using (var data = DataDirectory.Open(temporary["data"]))
            new Users(data.OpenDatabase(), TimeProvider.System).Add("ada", TokenRole.Admin, PageClient.Password);
        (await StartAsync()).Should().NotContain("welcome");
    }

    [Fact]
    public async Task A_newer_link_ends_the_one_before_and_each_ends_by_itself()
    {
        await using var server = await TestServer.StartAsync();
        var links = new LoginLinks(server.Data.OpenDatabase(), server.Time);
        var (first, second) = (links.Create(), links.Create());
        links.IsGood(first).Should().BeFalse();
        links.IsGood(second).Should().BeTrue();
        server.Time.Ahead += LoginLinks.Validity + TimeSpan.FromSeconds(1);
        links.IsGood(second).Should().BeFalse();
        links.TryUse(second).Should().BeFalse();
    }

    [Fact]
    public async Task Without_a_session_every_page_leads_to_the_login_and_back()
    {
        await using var server = await TestServer.StartAsync();
        new Users(server.Data.OpenDatabase(), server.Time).Add("ada", TokenRole.Viewer, PageClient.Password);
        using var client = new PageClient(server);
        foreach (var path in new[] { "/", "/devices", "/approvals", "/account" })
            (await client.GetAsync(path)).Headers.Location!.ToString().Should().StartWith("/login");
        (await client.GetAsync("/live")).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        (await client.GetAsync("/devices?q=x")).Headers.Location!.ToString().Should().Be("/login?to=%2Fdevices%3Fq%3Dx");

        await client.ReadAsync("/login?to=%2Fdevices%3Fq%3Dx");
        (await client.PostAsync("/login", ("to", "/devices?q=x"), ("name", "ada"), ("password", PageClient.Password))).Headers.Location!.ToString().Should().Be("/devices?q=x");
    }

    [Theory]
    [InlineData("//evil.example/")]
    [InlineData("https://evil.example/")]
    [InlineData("/\\evil.example/")]
    [InlineData("javascript:alert(1)")]
    public async Task A_login_leads_to_no_other_site(string to)
    {
        await using var server = await TestServer.StartAsync();
        new Users(server.Data.OpenDatabase(), server.Time).Add("ada", TokenRole.Viewer, PageClient.Password);
        using var client = new PageClient(server);
        await client.ReadAsync("/login");
        (await client.PostAsync("/login", ("to", to), ("name", "ada"), ("password", PageClient.Password))).Headers.Location!.ToString().Should().Be("/");
    }

    [Fact]
    public async Task A_wrong_password_an_unknown_name_and_a_disabled_user_look_the_same()
    {
        await using var server = await TestServer.StartAsync();
        var users = new Users(server.Data.OpenDatabase(), server.Time);
        users.Add("ada", TokenRole.Viewer, PageClient.Password);
        users.Add("bob", TokenRole.Viewer, PageClient.Password);
        users.SetDisabled("bob", true);
        using var client = new PageClient(server);
        await client.ReadAsync("/login");
        foreach (var (name, password) in new[] { ("ada", "four loud words here"), ("eve", PageClient.Password), ("bob", PageClient.Password) })
        {
            var answer = await client.PostAsync("/login", ("name", name), ("password", password));
            answer.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
            (await answer.Content.ReadAsStringAsync()).Should().Contain("Name or password is wrong.");
        }
        client.Cookie("ctree-session").Should().BeNull();
    }

    [Fact]
    public async Task Guessing_waits_longer_each_time_also_after_a_restart_and_for_the_right_password()
    {
        await using var server = await TestServer.StartAsync();
        new Users(server.Data.OpenDatabase(), server.Time).Add("ada", TokenRole.Viewer, PageClient.Password);
        using (var client = new PageClient(server))
        {
            await client.ReadAsync("/login");
            for (var guess = 0; guess < 5; guess++)
                (await client.PostAsync("/login", ("name", "ada"), ("password", $"guess number {guess}"))).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        }
        // Up to the longest wait, so that a slow machine does not sit it out.
        for (var guess = 0; guess < 8; guess++)
            new LoginLimit(server.Data.OpenDatabase(), server.Time).Fail("ada", "10.0.0.1");
        await server.RestartAsync();
        using var later = new PageClient(server);
        await later.ReadAsync("/login");
        var refused = await later.PostAsync("/login", ("name", "ada"), ("password", PageClient.Password));
        refused.StatusCode.Should().Be(HttpStatusCode.TooManyRequests);
        refused.Headers.RetryAfter!.Delta.Should().BeGreaterThan(TimeSpan.Zero);
        server.Time.Ahead += TimeSpan.FromMinutes(2);
        (await later.PostAsync("/login", ("name", "ada"), ("password", PageClient.Password))).StatusCode.Should().Be(HttpStatusCode.SeeOther);
    }

    [Fact]
    public async Task Each_further_guess_doubles_the_wait_up_to_a_bound()
    {
        await using var server = await TestServer.StartAsync();
        var limit = new LoginLimit(server.Data.OpenDatabase(), server.Time);
        for (var guess = 0; guess < 4; guess++)
            limit.Fail("ada", "10.0.0.1");
        limit.WaitOf("ada", "10.0.0.2").Should().Be(TimeSpan.Zero);
        // 16 s and 32 s, less what the test takes.
        for (var guess = 0; guess < 5; guess++)
            limit.Fail("ada", "10.0.0.1");
        limit.WaitOf("ada", "10.0.0.2").TotalSeconds.Should().BeInRange(1, 16);
        limit.Fail("ada", "10.0.0.1");
        limit.WaitOf("ada", "10.0.0.2").TotalSeconds.Should().BeInRange(16, 32);
        for (var guess = 0; guess < 40; guess++)
            limit.Fail("ada", "10.0.0.1");
        limit.WaitOf("ada", "10.0.0.2").Should().BeLessThanOrEqualTo(TimeSpan.FromMinutes(1), "nobody is to be locked out for long by others");
        limit.WaitOf("bob", "10.0.0.1").Should().BeCloseTo(TimeSpan.FromMinutes(15), TimeSpan.FromSeconds(30));
        limit.WaitOf("bob", "10.0.0.2").Should().Be(TimeSpan.Zero);
    }

    [Fact]
    public async Task A_session_ends_when_it_is_not_used_and_after_a_week_in_any_case()
    {
        await using var server = await TestServer.StartAsync();
        using var idle = await PageClient.LogInAsync(server);
        using var busy = await PageClient.LogInAsync(server);
        for (var hour = 0; hour < 24 * 7; hour += 6)
        {
            await busy.ReadAsync("/account");
            server.Time.Ahead += TimeSpan.FromHours(6);
        }
        (await idle.GetAsync("/account")).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        server.Time.Ahead += TimeSpan.FromMinutes(1);
        (await busy.GetAsync("/account")).StatusCode.Should().Be(HttpStatusCode.SeeOther);
    }

    [Fact]
    public async Task Logging_out_everywhere_a_new_password_a_new_role_and_being_disabled_end_all_sessions()
    {
        await using var server = await TestServer.StartAsync();
        using var other = await PageClient.LogInAsync(server, name: "other");
        var users = new Users(server.Data.OpenDatabase(), server.Time);
        using (var here = await PageClient.LogInAsync(server))
        using (var there = await PageClient.LogInAsync(server))
        {
            await here.ReadAsync("/account");
            await here.PostAsync("/account/logout-everywhere");
            (await there.GetAsync("/")).StatusCode.Should().Be(HttpStatusCode.SeeOther);
            (await here.GetAsync("/")).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        }
        foreach (var change in new Action[] { () => users.SetPassword("ada", PageClient.Password), () => users.SetRole("ada", TokenRole.Viewer), () => users.SetDisabled("ada", true) })
        {
            using var client = await PageClient.LogInAsync(server);
            await client.ReadAsync("/");
            change();
            (await client.GetAsync("/")).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        }
        await other.ReadAsync("/");
    }

    [Fact]
    public async Task Changing_the_password_needs_the_old_one_and_keeps_this_session_only()
    {
        await using var server = await TestServer.StartAsync();
        using var here = await PageClient.LogInAsync(server);
        using var there = await PageClient.LogInAsync(server);
        await here.ReadAsync("/account");
        const string fresh = "another five calm words here";
        (await here.PostFromAsync("/account/password", [("Referer", server.Url + "/account")], ("old", "wrong wrong wrong"), ("password", fresh), ("again", fresh))).Headers.Location!.ToString().Should().Be("/account");
        (await here.ReadAsync("/account")).Should().Contain("the present password is another one");
        (await here.DoAsync("/account/password", ("old", PageClient.Password), ("password", fresh), ("again", fresh))).Should().Contain("The password is changed");
        (await there.GetAsync("/")).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        new Users(server.Data.OpenDatabase(), server.Time).Check("ada", fresh).Should().NotBeNull();
    }

    [Theory]
    [InlineData("short")]
    [InlineData("ada ada ada ada")]
    [InlineData("aaaaaaaaaaaaaaaa")]
    public void Passwords_that_would_be_guessed_are_refused(string password) =>
        ((Action)(() => PasswordHash.Require("ada", password))).Should().Throw<FormatException>();

    [Fact]
    public void Passwords_are_kept_as_salted_slow_hashes()
    {
        var (first, second) = (PasswordHash.Create(PageClient.Password), PasswordHash.Create(PageClient.Password));
        first.Should().StartWith("pbkdf2-sha512$220000$").And.NotBe(second);
        PasswordHash.Verify(PageClient.Password, first).Should().BeTrue();
        PasswordHash.Verify(PageClient.Password + " ", first).Should().BeFalse();
        PasswordHash.Verify(PageClient.Password, null).Should().BeFalse();
    }

    [Fact]
    public async Task The_database_holds_no_password_no_session_and_no_link()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await PageClient.LogInAsync(server);
        var link = new LoginLinks(server.Data.OpenDatabase(), server.Time).Create();
        var secret = client.Cookie("ctree-session")!;
        server.Data.OpenDatabase().CopyTo(server["copy.db"]);
        var bytes = System.Text.Encoding.Latin1.GetString(await File.ReadAllBytesAsync(server["copy.db"]));
        bytes.Should().NotContain(secret).And.NotContain(link).And.NotContain(PageClient.Password);
    }

    [Fact]
    public async Task Users_are_managed_from_the_command_line_and_the_last_admin_stays()
    {
        await using var server = await TestServer.StartAsync();
        new Users(server.Data.OpenDatabase(), server.Time).Add("ada", TokenRole.Admin, PageClient.Password);
        (await ServerCommand.RunAsync("--data", server.DataPath, "user", "disable", "ada")).Error.Should().Contain("last admin");
        (await ServerCommand.RunAsync("--data", server.DataPath, "user", "role", "ada", "viewer")).Error.Should().Contain("last admin");
        new Users(server.Data.OpenDatabase(), server.Time).Add("bob", TokenRole.Admin, PageClient.Password);
        await ServerCommand.DoAsync("--data", server.DataPath, "user", "role", "ada", "operator");
        await ServerCommand.DoAsync("--data", server.DataPath, "user", "disable", "ada");
        (await ServerCommand.DoAsync("--data", server.DataPath, "user", "list")).Out.Should().MatchRegex("ada +operator +all +disabled").And.MatchRegex("bob +admin +all +enabled");
        (await ServerCommand.RunAsync("--data", server.DataPath, "user", "disable", "eve")).Exit.Should().Be((int)ExitCode.NotFound);
    }

    private static string Link(ServerCommand command) => command.LastLine.Split('/')[^1];
}
