using System.Net;
using System.Net.Http.Headers;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Server;

/// <summary>Of two who edit the same thing at the same time the second one is told.</summary>
public sealed class ExpectationTests : IAsyncLifetime
{
    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData(Routes.Recipes, "fleet/one", "{\"name\":\"fleet/one\",\"text\":\"/ = a\\n\"}", "{\"name\":\"fleet/one\",\"text\":\"/ = b\\n\"}")]
    [InlineData(Routes.Follows, "stable", "{\"branch\":\"stable\",\"source\":\"git:/none#a\"}", "{\"branch\":\"stable\",\"source\":\"git:/none#b\"}")]
    public async Task What_was_changed_meanwhile_is_not_changed_unseen(string route, string name, string one, string other)
    {
        var item = $"{route}/{name}";
        var made = await SendAsync(HttpMethod.Put, route, one, ifNoneMatch: "*");
        made.StatusCode.Should().Be(HttpStatusCode.OK);
        await (await SendAsync(HttpMethod.Put, route, other, ifNoneMatch: "*")).ShouldBeProblemAsync(ProblemCode.Changed);
        var seen = (await SendAsync(HttpMethod.Get, item)).Headers.ETag!.ToString();
        seen.Should().Be(made.Headers.ETag!.ToString());

        var changed = await SendAsync(HttpMethod.Put, route, other, ifMatch: seen);

        changed.StatusCode.Should().Be(HttpStatusCode.OK);
        await (await SendAsync(HttpMethod.Put, route, one, ifMatch: seen)).ShouldBeProblemAsync(ProblemCode.Changed);
        await (await SendAsync(HttpMethod.Delete, item, ifMatch: seen)).ShouldBeProblemAsync(ProblemCode.Changed);
        (await SendAsync(HttpMethod.Get, item)).Headers.ETag.Should().Be(changed.Headers.ETag);
        var last = await SendAsync(HttpMethod.Put, route, one);
        last.StatusCode.Should().Be(HttpStatusCode.OK, "who says nothing means whatever is there");
        (await SendAsync(HttpMethod.Delete, item, ifMatch: $"\"x\", {last.Headers.ETag}")).StatusCode.Should().Be(HttpStatusCode.NoContent);
        await (await SendAsync(HttpMethod.Put, route, one, ifMatch: "*")).ShouldBeProblemAsync(ProblemCode.Changed);
        await (await SendAsync(HttpMethod.Get, item)).ShouldBeProblemAsync(ProblemCode.NotFound);
    }

    [Theory]
    [InlineData(Routes.Recipes, "{\"name\":\"fleet/one\",\"text\":\"/ = b%\\n\"}")]
    [InlineData(Routes.Follows, "{\"branch\":\"stable\",\"source\":\"git:/none#b%\"}")]
    public async Task Of_many_at_once_who_saw_the_same_one_gets_through(string route, string text)
    {
        var seen = (await SendAsync(HttpMethod.Put, route, text.Replace('%', 'x'))).Headers.ETag!.ToString();
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => SendAsync(HttpMethod.Put, route, text.Replace('%', (char)('a' + i)), ifMatch: seen)));
        answers.Count(a => a.StatusCode == HttpStatusCode.OK).Should().Be(1);
        answers.Count(a => a.StatusCode == HttpStatusCode.PreconditionFailed).Should().Be(7);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string route, string? body = null, string? ifMatch = null, string? ifNoneMatch = null)
    {
        using var request = new HttpRequestMessage(method, route) { Content = body is null ? null : new StringContent(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _server.Admin);
        if (ifMatch is not null)
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        if (ifNoneMatch is not null)
            request.Headers.TryAddWithoutValidation("If-None-Match", ifNoneMatch);
        return await _server.Http.SendAsync(request);
    }
}
