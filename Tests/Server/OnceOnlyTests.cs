using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using ContentTree.Server.Publishing;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Server;

/// <summary>Moves of branches whose answer was lost are said again, and happen once.</summary>
public sealed class OnceOnlyTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private ObjectId _first;
    private ObjectId _second;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        _first = _server.Publish("test").Commit;
        _server.WriteSource("file", "two");
        _second = _server.Publish("test").Commit;
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task The_same_request_by_the_same_name_is_answered_again_and_not_done_again()
    {
        var request = new MoveHeadRequest(BranchName.Parse("stable"), _first, 0);
        var done = await MoveAsync(request, "one");
        done.StatusCode.Should().Be(HttpStatusCode.OK);
        (await MoveAsync(new MoveHeadRequest(BranchName.Parse("stable"), _second, 1, _first), "two")).StatusCode.Should().Be(HttpStatusCode.OK);
        await _server.RestartAsync();

        var again = await MoveAsync(request, "one");

        again.StatusCode.Should().Be(HttpStatusCode.OK);
        again.Headers.GetValues("Idempotency-Replayed").Should().Equal("true");
        (await again.Content.ReadAsStringAsync()).Should().Be(await done.Content.ReadAsStringAsync());
        Head().Should().Be((2, _second));
        await (await MoveAsync(request with { Reason = "another" }, "one")).ShouldBeProblemAsync(ProblemCode.Conflict);
        await (await MoveAsync(request, "one", _server.NewToken(TokenRole.Publisher))).ShouldBeProblemAsync(ProblemCode.BranchMoved);
        await (await MoveAsync(request, "one", _server.NewToken(TokenRole.Viewer))).ShouldBeProblemAsync(ProblemCode.Forbidden);
        _server.Time.Ahead += TimeSpan.FromHours(25);
        await (await MoveAsync(request, "one")).ShouldBeProblemAsync(ProblemCode.BranchMoved);
    }

    [Fact]
    public async Task What_was_refused_is_tried_again()
    {
        var request = new MoveHeadRequest(BranchName.Parse("stable"), _second, 1, _first);
        await (await MoveAsync(request, "x")).ShouldBeProblemAsync(ProblemCode.BranchMoved);
        await MoveAsync(new MoveHeadRequest(BranchName.Parse("stable"), _first, 0), "y");
        (await MoveAsync(request, "x")).StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task What_has_happened_exactly_so_is_done_also_without_a_name()
    {
        var request = new MoveHeadRequest(BranchName.Parse("stable"), _first, 0);
        for (var i = 0; i < 3; i++)
            (await MoveAsync(request, null)).StatusCode.Should().Be(HttpStatusCode.OK);
        Head().Should().Be((1, _first));
        await (await MoveAsync(request with { Commit = _second }, null)).ShouldBeProblemAsync(ProblemCode.BranchMoved);
        await MoveAsync(new MoveHeadRequest(BranchName.Parse("stable"), _second, 1), null);
        await MoveAsync(new MoveHeadRequest(BranchName.Parse("stable"), _first, 2), null);
        await (await MoveAsync(request, null)).ShouldBeProblemAsync(ProblemCode.BranchMoved);
    }

    [Fact]
    public async Task A_publisher_whose_answer_was_lost_ends_well_and_the_branch_moved_once()
    {
        using var proxy = new LosingProxy(new Uri(_server.Url), Routes.PublishHeads);
        _server.WriteSource("file", "three");
        var published = await ServerCommand.RunAsync("publish", "--server", proxy.Url, "--token", _server.Admin, "--cache", _server.Cache, "--branch", "stable", _server.Source);
        published.Exit.Should().Be(0, published.Error);
        proxy.Lost.Should().Be(1);
        Head().Should().Be((1, ObjectId.Parse(published.LastLine)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a\u00e9")]
    public async Task A_name_that_is_none_is_refused(string name)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Routes.PublishHeads) { Content = new StringContent("{}") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _server.Admin);
        request.Headers.TryAddWithoutValidation("Idempotency-Key", name.Length > 0 ? name : new string('x', 101));
        try
        {
            await (await _server.Http.SendAsync(request)).ShouldBeProblemAsync(ProblemCode.BadRequest);
        }
        catch (HttpRequestException)
        {
            // The client itself sends no such header.
        }
    }

    private async Task<HttpResponseMessage> MoveAsync(MoveHeadRequest move, string? name, string? token = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Routes.PublishHeads) { Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(move, ProtocolJson.Default.MoveHeadRequest)) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token ?? _server.Admin);
        if (name is not null)
            request.Headers.Add("Idempotency-Key", name);
        return await _server.Http.SendAsync(request);
    }

    private (long, ObjectId) Head()
    {
        var head = new Branches(_server.Data, _server.Time).ReadHead(BranchName.Parse("stable"));
        return (head.Sequence, head.Commit);
    }
}
