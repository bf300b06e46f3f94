using System.Net;
using System.Text.RegularExpressions;
using ContentTree.Server.Auditing;
using ContentTree.Server.Webhooks;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Dashboard;

/// <summary>Webhooks in the browser, without scripts: made, tried at a real receiver, looked at, removed.</summary>
public sealed class WebhookPageTests : IAsyncLifetime, IDisposable
{
    private readonly HttpListener _listener = new();
    private TestServer _server = null!;
    private volatile int _status = 204;
    private string _url = "";

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSettings("webhooks.allow = 127.0.0.1");
        using (var free = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            _url = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/";
        }
        _listener.Prefixes.Add(_url);
        _listener.Start();
        _ = Task.Run(async () =>
        {
            while (true)
            {
                var asked = await _listener.GetContextAsync();
                asked.Response.StatusCode = _status;
                asked.Response.Close();
            }
        });
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _listener.Close();

    [Fact]
    public async Task A_webhook_is_made_tried_looked_at_and_removed()
    {
        using var client = await PageClient.LogInAsync(_server);
        (await client.ReadAsync("/webhooks")).Should().Contain("Nobody is told yet").And.Contain("value=\"device.silent\"");
        var answer = await client.PostAsync("/webhooks/add", ("url", _url + "x?<b>"), ("event", "commit.published"), ("event", "device.*"));
        var page = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.Should().Be(HttpStatusCode.OK, page);
        var webhook = new Outbox(_server.Data.OpenDatabase(), _server.Time).List().Single();
        webhook.Events.Should().Equal("commit.published", "device.*");
        var secret = Regex.Match(page, "class=\"token\">([^<]{40,})<").Groups[1].Value;
        secret.Should().NotBeEmpty();
        foreach (var path in new[] { "/webhooks", $"/webhooks/{webhook.Id}" })
            (await client.ReadAsync(path)).Should().NotContain(secret).And.NotContain("<b>").And.Contain("commit.published, device.*");
        (await client.DoAsync($"/webhooks/{webhook.Id}/test")).Should().Contain("The test was taken with 204").And.Contain(">ping<").And.Contain("good\">done");
        _status = 500;
        (await client.DoAsync($"/webhooks/{webhook.Id}/test")).Should().Contain("The test was not taken: answered 500").And.Contain("bad\">lost").And.Contain(">500<");
        (await client.DoAsync($"/webhooks/{webhook.Id}/remove")).Should().Contain($"Webhook {webhook.Id} is removed").And.Contain("Nobody is told yet");
        (await client.GetAsync($"/webhooks/{webhook.Id}")).StatusCode.Should().Be(HttpStatusCode.NotFound);
        new Audit(_server.Data, _server.Time).List(new AuditFilter(Actor: "user ada", Subject: webhook.Id), 10).Select(e => e.Verb).Should().Equal("webhook.remove", "webhook.add");
    }

    [Theory]
    [InlineData("ftp://x/", "commit.published")]
    [InlineData("https://a:b@x/", "commit.published")]
    [InlineData("https://x/", "")]
    [InlineData("https://x/", "nonsense")]
    public async Task What_makes_no_sense_is_said_and_makes_none(string url, string name)
    {
        using var client = await PageClient.LogInAsync(_server);
        await client.ReadAsync("/webhooks");
        (await client.DoAsync("/webhooks/add", ("url", url), ("event", name))).Should().Contain("Nobody is told yet");
        new Outbox(_server.Data.OpenDatabase(), _server.Time).List().Should().BeEmpty();
    }

    [Fact]
    public async Task They_are_an_admins()
    {
        using var admin = await PageClient.LogInAsync(_server);
        using var client = await PageClient.LogInAsync(_server, TokenRole.Approver, "bob");
        (await client.ReadAsync("/")).Should().NotContain("/webhooks");
        (await client.GetAsync("/webhooks")).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        await client.ReadAsync("/");
        (await client.PostAsync("/webhooks/add", ("url", _url), ("event", "*"))).StatusCode.Should().NotBe(HttpStatusCode.OK);
        new Outbox(_server.Data.OpenDatabase(), _server.Time).List().Should().BeEmpty();
    }
}
