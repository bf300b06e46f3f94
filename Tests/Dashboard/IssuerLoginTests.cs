using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using ContentTree.Server.Dashboard.Login;
using ContentTree.Tests.Server;
using Microsoft.IdentityModel.Tokens;

namespace ContentTree.Tests.Dashboard;

/// <summary>Login at an identity provider: whom it vouches for in this very browser's login gets in, and nobody else.</summary>
public sealed class IssuerLoginTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestIssuer _issuer = null!;

    private Users Users => new(_server.Data.OpenDatabase(), _server.Time);

    public async Task InitializeAsync()
    {
        (_server, _issuer) = (await TestServer.StartAsync(), await TestIssuer.StartAsync());
        await File.WriteAllTextAsync(Path.Combine(_server.DataPath, "issuer.secret"), TestIssuer.Secret + "\n");
        await ConfigureAsync();
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        await _issuer.DisposeAsync();
    }

    [Theory]
    [InlineData(new[] { "staff", "ctree-admins" }, "admin")]
    [InlineData(new[] { "ops" }, "operator")]
    [InlineData(new string[0], "viewer")]
    public async Task Whom_it_vouches_for_is_in_with_the_role_of_his_groups_and_on_the_page_he_asked_for(string[] groups, string role)
    {
        _issuer.Person["groups"] = groups;
        using var client = new PageClient(_server);
        (await client.ReadAsync("/login?to=%2Fdevices")).Should().Contain("Log in at 127.0.0.1").And.Contain("/login/issuer?to=%2Fdevices");
        var answer = await LogInAsync(client, "/devices");
        answer.StatusCode.Should().Be(HttpStatusCode.SeeOther, await answer.Content.ReadAsStringAsync());
        answer.Headers.Location!.ToString().Should().Be("/devices");
        (await client.ReadAsync("/account")).Should().Contain("<h1>ada</h1>").And.Contain($"<strong>{role}</strong>");
        client.Cookie("ctree-issuer").Should().BeNull();
        (await ServerCommand.DoAsync("--data", _server.DataPath, "audit", "list")).Out.Should().Contain($"{role} by issuer");
    }

    [Fact]
    public async Task Only_the_browser_that_began_ends_it_and_only_once()
    {
        using var mine = new PageClient(_server);
        using var theirs = new PageClient(_server);
        var back = await WayBackAsync(mine);
        (await theirs.GetAsync(back)).StatusCode.Should().Be(HttpStatusCode.Forbidden, "a link somebody was sent logs him in as nobody");
        await theirs.GetAsync("/login/issuer");
        (await theirs.GetAsync(back)).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await theirs.GetAsync("/account")).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        _issuer.Redeemed.Should().Be(0);
        (await mine.GetAsync(back)).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        (await mine.GetAsync(back)).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        _issuer.Redeemed.Should().Be(1);
    }

    [Fact]
    public async Task A_code_that_was_made_for_another_browsers_login_is_refused_by_its_verifier()
    {
        using var mine = new PageClient(_server);
        using var theirs = new PageClient(_server);
        var (back, other) = (await WayBackAsync(mine), await WayBackAsync(theirs));
        var stolen = Part(other, "code");
        (await mine.GetAsync(back.Replace(Part(back, "code"), stolen, StringComparison.Ordinal))).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await mine.GetAsync("/account")).StatusCode.Should().Be(HttpStatusCode.SeeOther);
    }

    public static TheoryData<string> Lies => ["issuer", "audience", "expired", "nonce", "no-nonce", "party", "unsigned", "unknown-key", "public-key-as-secret", "changed", "no-name", "bad-name", "other-issuer-answers"];

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task What_it_did_not_sign_for_this_login_lets_nobody_in(string lie)
    {
        using var stranger = RSA.Create(2048);
        switch (lie)
        {
            case "issuer": _issuer.Lie = d => d.Issuer = "https://elsewhere.example"; break;
            case "audience": _issuer.Lie = d => d.Audience = "another program"; break;
            case "expired": _issuer.Lie = d => (d.NotBefore, d.Expires) = (DateTime.UtcNow.AddHours(-2), DateTime.UtcNow.AddHours(-1)); break;
            case "nonce": _issuer.Lie = d => d.Claims["nonce"] = "another"; break;
            case "no-nonce": _issuer.Lie = d => d.Claims.Remove("nonce"); break;
            case "party": _issuer.Lie = d => d.Claims["azp"] = "another program"; break;
            case "unsigned": _issuer.Forge = token => $"{Base64Url.EncodeToString("{\"alg\":\"none\"}"u8)}.{token.Split('.')[1]}."; break;
            case "unknown-key": _issuer.Lie = d => d.SigningCredentials = new SigningCredentials(new RsaSecurityKey(stranger) { KeyId = "1" }, SecurityAlgorithms.RsaSha256); break;
            case "public-key-as-secret": _issuer.Lie = d => d.SigningCredentials = new SigningCredentials(new SymmetricSecurityKey(_issuer.PublicKeyBytes) { KeyId = "1" }, SecurityAlgorithms.HmacSha256); break;
            case "changed": _issuer.Forge = token => $"{token.Split('.')[0]}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token.Split('.')[1])).Replace("ada", "eve", StringComparison.Ordinal)))}.{token.Split('.')[2]}"; break;
            case "no-name": _issuer.Person.Remove("preferred_username"); break;
            case "bad-name": _issuer.Person["preferred_username"] = "<script>alert(1)</script>"; break;
            default: break;
        }
        using var client = new PageClient(_server);
        var back = await WayBackAsync(client);
        if (lie == "other-issuer-answers")
            back = back.Replace(Uri.EscapeDataString(_issuer.Url), Uri.EscapeDataString("https://elsewhere.example"), StringComparison.Ordinal);

        var answer = await client.GetAsync(back);

        answer.StatusCode.Should().Be(HttpStatusCode.Forbidden, await answer.Content.ReadAsStringAsync());
        (await answer.Content.ReadAsStringAsync()).Should().NotContain("<script>alert");
        (await client.GetAsync("/account")).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        Users.List().Should().BeEmpty();
    }

    [Fact]
    public async Task A_name_with_a_password_here_is_not_taken_over_and_a_disabled_one_stays_out()
    {
        using var ada = await PageClient.LogInAsync(_server, name: "ada");
        using var client = new PageClient(_server);
        (await LogInAsync(client)).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        _issuer.Person["preferred_username"] = "bob";
        (await LogInAsync(client)).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        Users.SetDisabled("bob", true);
        (await client.GetAsync("/account")).StatusCode.Should().Be(HttpStatusCode.SeeOther, "his session has ended");
        (await LogInAsync(client)).StatusCode.Should().Be(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Without_a_role_for_everybody_who_is_in_no_group_stays_out()
    {
        await ConfigureAsync(role: "");
        using var client = new PageClient(_server);
        var answer = await LogInAsync(client);
        answer.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await answer.Content.ReadAsStringAsync()).Should().Contain("login.issuer-roles");
    }

    [Fact]
    public async Task Its_keys_may_change_and_it_may_refuse_or_be_away_while_passwords_go_on()
    {
        using var client = new PageClient(_server);
        (await LogInAsync(client)).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        _issuer.ChangeKey();
        using var second = new PageClient(_server);
        (await LogInAsync(second)).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        _issuer.Error = "access_denied<b>";
        using var third = new PageClient(_server);
        (await (await LogInAsync(third)).Content.ReadAsStringAsync()).Should().Contain("access_denied&lt;b&gt;");
        await _issuer.DisposeAsync();
        await _server.RestartAsync();
        using var fourth = new PageClient(_server);
        (await fourth.GetAsync("/login/issuer")).StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
        using var ada = await PageClient.LogInAsync(_server, name: "cy");
        (await ada.ReadAsync("/account")).Should().Contain("<h1>cy</h1>");
    }

    [Theory]
    [InlineData("http://idp.example/realm", "login.issuer-client = x\nlogin.issuer-return = https://a.example\n")]
    [InlineData("https://idp.example/realm", "login.issuer-return = https://a.example\n")]
    [InlineData("https://idp.example/realm", "login.issuer-client = x\n")]
    [InlineData("https://idp.example/realm", "login.issuer-client = x\nlogin.issuer-return = http://a.example\n")]
    public void Settings_that_would_trust_anybody_are_refused(string issuer, string rest)
    {
        _server.WriteSettings($"login.issuer = {issuer}\n{rest}");
        FluentActions.Invoking(() => ContentTree.Server.Storage.ServerSettings.Load(_server.DataPath)).Should().Throw<FormatException>();
    }

    [Fact]
    public async Task A_document_that_names_another_issuer_is_not_followed()
    {
        _issuer.NamedIssuer = "https://elsewhere.example";
        using var client = new PageClient(_server);
        (await client.GetAsync("/login/issuer")).StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
    }

    private async Task ConfigureAsync(string role = "login.issuer-role = viewer\n")
    {
        _server.WriteSettings($"login.issuer = {_issuer.Url}\nlogin.issuer-client = {TestIssuer.Client}\nlogin.issuer-secret-file = issuer.secret\nlogin.issuer-return = https://updates.example\nlogin.issuer-roles = ctree-admins:admin, ops:operator\n{role}");
        await _server.RestartAsync();
    }

    private static string Part(string address, string name) => address.Split('?')[1].Split('&').Single(part => part.StartsWith(name + "=", StringComparison.Ordinal))[(name.Length + 1)..];

    // What the browser does between the two: it goes to the issuer, which sends it back to the address that the server is known by.
    private static async Task<string> WayBackAsync(PageClient client, string to = "")
    {
        var sent = await client.GetAsync($"/login/issuer?to={Uri.EscapeDataString(to)}");
        sent.StatusCode.Should().Be(HttpStatusCode.Redirect, await sent.Content.ReadAsStringAsync());
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        var answer = await http.GetAsync(sent.Headers.Location);
        var back = answer.Headers.Location!.ToString();
        back.Should().StartWith("https://updates.example/login/issuer/return?");
        return new Uri(back).PathAndQuery;
    }

    private static async Task<HttpResponseMessage> LogInAsync(PageClient client, string to = "") => await client.GetAsync(await WayBackAsync(client, to));
}
