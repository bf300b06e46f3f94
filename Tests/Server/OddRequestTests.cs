using System.Net;
using System.Net.Http.Json;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Dashboard;

namespace ContentTree.Tests.Server;

/// <summary>Texts and numbers in requests that nothing here can be: whoever asked is told so, on each database.</summary>
public sealed class OddRequestTests
{
    private const string TooLong = "99999999999999999999";

    [Fact]
    public async Task A_text_with_a_nul_and_a_number_that_is_too_long_are_bad_requests()
    {
        await using var server = await TestServer.StartAsync();
        foreach (var path in new[]
        {
            Routes.Devices + "?q=name==%00", Routes.Devices + "?q=name~%00*", Routes.Devices + "?cursor=%00", Routes.Audit + "?actor=%00", Routes.Audit + "?verb=%00", Routes.Monitoring + "/nagios?q=name==%00",
            $"{Routes.ConfigurationHistory}/fleet?cursor={TooLong}", $"{Routes.Audit}?cursor={TooLong}", $"/api/v1/history/stable?cursor={TooLong}",
            $"{Routes.Rollouts}/{TooLong}", $"{Routes.Rollouts}/{TooLong}/devices", $"{Routes.Rollouts}/x",
        })
        {
            await (await server.SendAsync(HttpMethod.Get, path, token: server.Admin)).ShouldBeProblemAsync(ProblemCode.BadRequest);
        }
        using var body = JsonContent.Create(new RolloutStepRequest(), ProtocolJson.Default.RolloutStepRequest);
        await (await server.SendAsync(HttpMethod.Post, $"{Routes.Rollouts}/{TooLong}/pause", body, server.Admin)).ShouldBeProblemAsync(ProblemCode.BadRequest);
        await (await server.SendAsync(HttpMethod.Get, $"{Routes.Rollouts}/7", token: server.Admin)).ShouldBeProblemAsync(ProblemCode.NotFound);
    }

    [Fact]
    public async Task A_list_with_null_in_it_is_a_bad_request()
    {
        await using var server = await TestServer.StartAsync();
        foreach (var (path, body) in new[]
        {
            (Routes.Rollouts, """{"scope":"branch:stable","commit":"stable","plan":{"waves":[null]}}"""),
            (Routes.Rollouts, """{"scope":"branch:stable","commit":"stable","plan":{"waves":[{"devices":[null]}]}}"""),
            (Routes.Tokens, """{"role":"viewer","groups":[null]}"""), (Routes.Webhooks, """{"url":"https://example.org/x","events":[null]}"""), (Routes.PublishMissing, """{"objects":[null]}"""),
        })
        {
            using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
            await (await server.SendAsync(HttpMethod.Post, path, content, server.Admin)).ShouldBeProblemAsync(ProblemCode.BadRequest);
        }
    }

    [Fact]
    public async Task A_login_with_a_nul_in_its_name_is_refused()
    {
        await using var server = await TestServer.StartAsync();
        using var client = new PageClient(server);
        await client.ReadAsync("/login");
        (await client.PostAsync("/login", ("name", "\0"), ("password", PageClient.Password))).StatusCode.Should().Be(HttpStatusCode.BadRequest);
    }
}
