using System.Net;
using System.Net.Http.Json;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Objects;
using ContentTree.Store.Packs;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Server;

/// <summary>A private branch: who gets its heads, history, objects, packs and deltas, and that for everybody else it does not exist.</summary>
public sealed class PrivateBranchTests : IAsyncLifetime
{
    private static readonly BranchName Secret = BranchName.Parse("secret/board");

    private TestServer _server = null!;
    private TestDevice _entitled = null!;
    private TestDevice _other = null!;

    private ObjectId Shared { get; } = ObjectId.Of("everybody's"u8);

    private ObjectId Hidden { get; } = ObjectId.Of("only theirs"u8);

    private ObjectId PublicCommit { get; set; }

    private ObjectId SecretCommit { get; set; }

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("shared", "everybody's");
        PublicCommit = _server.Publish().Commit;
        await ServerCommand.DoAsync("--data", _server.DataPath, "branch", "create", "secret/board", "--private");
        _server.WriteSource("hidden", "only theirs");
        SecretCommit = _server.Publish("secret/board").Commit;
        (_entitled, _other) = (new TestDevice(_server), new TestDevice(_server));
        foreach (var device in new[] { _entitled, _other })
            await device.EnrolAsync(_server.NewToken(TokenRole.Enrol), "secret/board");
        await ServerCommand.DoAsync("--data", _server.DataPath, "device", "allow", _entitled.Id.ToString(), "secret/board");
    }

    public async Task DisposeAsync()
    {
        _entitled.Dispose();
        _other.Dispose();
        await _server.DisposeAsync();
    }

    public static TheoryData<string> Routes_ => ["head", "history", "commit", "tree", "file", "delta", "deltas"];

    [Theory]
    [MemberData(nameof(Routes_))]
    public async Task What_only_a_private_branch_reaches_is_there_for_the_allowed_and_for_tokens_and_for_nobody_else(string what)
    {
        var route = RouteTo(what);
        using (var unsigned = await _server.Http.GetAsync(route))
            await unsigned.ShouldBeProblemAsync(ProblemCode.NotFound);
        using (var stranger = await GetAsync(_other, route))
            await stranger.ShouldBeProblemAsync(ProblemCode.NotFound);
        using (var allowed = await GetAsync(_entitled, route))
        {
            allowed.StatusCode.Should().Be(HttpStatusCode.OK);
            allowed.Headers.CacheControl!.Public.Should().BeFalse();
        }
        using (var viewer = await _server.SendAsync(HttpMethod.Get, route, token: _server.NewToken(TokenRole.Viewer)))
            viewer.StatusCode.Should().Be(HttpStatusCode.OK);
        using (var enroller = await _server.SendAsync(HttpMethod.Get, route, token: _server.NewToken(TokenRole.Enrol)))
            await enroller.ShouldBeProblemAsync(ProblemCode.Forbidden);

        await ServerCommand.DoAsync("--data", _server.DataPath, "device", "forbid", _entitled.Id.ToString(), "secret/board");
        using (var dismissed = await GetAsync(_entitled, route))
            await dismissed.ShouldBeProblemAsync(ProblemCode.NotFound);
    }

    [Fact]
    public async Task What_is_public_stays_everybodys_also_where_a_private_branch_has_it_too()
    {
        foreach (var route in new[] { RouteTo(Shared), Routes.Head(BranchName.Parse("stable")), Routes.RepositoryObject(new ObjectName(ObjectKind.Commit, PublicCommit)), Routes.TrustRoot })
        {
            using var answer = await _server.Http.GetAsync(route);
            answer.StatusCode.Should().Be(HttpStatusCode.OK);
            answer.Headers.CacheControl!.Public.Should().BeTrue();
        }
        // What is published now is found at once, by whoever was given the head.
        _server.WriteSource("shared", "everybody's too");
        File.Delete(Path.Combine(_server.Source, "hidden"));
        _server.Publish();
        (await _server.Http.GetAsync(Routes.Head(BranchName.Parse("stable")))).StatusCode.Should().Be(HttpStatusCode.OK);
        (await _server.Http.GetAsync(RouteTo(ObjectId.Of("everybody's too"u8)))).StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_poll_brings_a_private_head_to_the_allowed_only_and_for_others_the_branch_does_not_exist()
    {
        var answer = await (await _entitled.PollAsync("secret/board")).Content.ReadFromJsonAsync(ProtocolJson.Default.PollAnswer);
        (answer!.Private, answer.Head is null).Should().Be((true, false));
        var refused = await (await _other.PollAsync("secret/board")).ShouldBeProblemAsync(ProblemCode.NotFound);
        var missing = await (await _other.PollAsync("nowhere")).ShouldBeProblemAsync(ProblemCode.NotFound);
        refused.Detail.Should().Be(missing.Detail!.Replace("nowhere", "secret/board", StringComparison.Ordinal));
        (await (await _other.PollAsync()).Content.ReadFromJsonAsync(ProtocolJson.Default.PollAnswer))!.Private.Should().BeNull();
    }

    [Fact]
    public async Task A_pack_and_a_delta_hold_nothing_private_for_others()
    {
        var wanted = new PackRequest([new ObjectName(ObjectKind.File, Shared), new ObjectName(ObjectKind.File, Hidden)]).Encode();
        using (var pack = _entitled.Sign(Routes.Packs, wanted))
            (await _server.Http.SendAsync(pack)).StatusCode.Should().Be(HttpStatusCode.OK);
        using (var pack = _other.Sign(Routes.Packs, wanted))
            await (await _server.Http.SendAsync(pack)).ShouldBeProblemAsync(ProblemCode.NotFound);
        using (var pack = _other.Sign(Routes.Packs, new PackRequest([new ObjectName(ObjectKind.File, Shared)]).Encode()))
            (await _server.Http.SendAsync(pack)).StatusCode.Should().Be(HttpStatusCode.OK);

        MakeDelta();
        var request = new DeltaRequest(SecretCommit, PublicCommit);
        (await _entitled.SendAsync(Routes.Deltas, request, ProtocolJson.Default.DeltaRequest)).StatusCode.Should().Be(HttpStatusCode.OK);
        await (await _other.SendAsync(Routes.Deltas, request, ProtocolJson.Default.DeltaRequest)).ShouldBeProblemAsync(ProblemCode.NotFound);
    }

    [Fact]
    public async Task A_branch_becomes_private_and_public_again_with_all_that_it_ever_had()
    {
        await ServerCommand.DoAsync("branch", "private", "stable", "--server", _server.Url, "--token", _server.Admin);
        (await ServerCommand.DoAsync("--data", _server.DataPath, "branch", "list")).Out.Should().MatchRegex(@"stable .*allowed");
        foreach (var route in new[] { RouteTo(Shared), Routes.Head(BranchName.Parse("stable")) })
            await (await _server.Http.GetAsync(route)).ShouldBeProblemAsync(ProblemCode.NotFound);
        // Of the content that both have, the one who may have one branch gets it.
        (await GetAsync(_entitled, RouteTo(Shared))).StatusCode.Should().Be(HttpStatusCode.OK);
        (await GetAsync(_entitled, Routes.Head(BranchName.Parse("stable")))).StatusCode.Should().Be(HttpStatusCode.NotFound);

        await ServerCommand.DoAsync("--data", _server.DataPath, "branch", "public", "stable");
        (await _server.Http.GetAsync(RouteTo(Shared))).StatusCode.Should().Be(HttpStatusCode.OK);
        await (await _server.Http.GetAsync(RouteTo(Hidden))).ShouldBeProblemAsync(ProblemCode.NotFound);
        await ServerCommand.DoAsync("--data", _server.DataPath, "branch", "public", "secret/board");
        (await _server.Http.GetAsync(RouteTo(Hidden))).StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_deleted_private_branch_and_a_lost_index_and_database_show_nothing()
    {
        await ServerCommand.DoAsync("--data", _server.DataPath, "branch", "delete", "secret/board");
        await (await _server.Http.GetAsync(RouteTo(Hidden))).ShouldBeProblemAsync(ProblemCode.NotFound);
        await _server.RestartAsync(withoutDatabase: true);
        foreach (var file in Directory.GetFiles(Path.Combine(_server.DataPath, "cache"), "reach.db*"))
            File.Delete(file);
        await _server.RestartAsync();
        await (await _server.Http.GetAsync(RouteTo(Hidden))).ShouldBeProblemAsync(ProblemCode.NotFound);
        (await _server.Http.GetAsync(RouteTo(Shared))).StatusCode.Should().Be(HttpStatusCode.OK);
        File.WriteAllText(Path.Combine(_server.DataPath, "repo/private.json"), "{");
        (await _server.Http.GetAsync(RouteTo(Shared))).StatusCode.Should().Be(HttpStatusCode.InternalServerError, "nobody can say what is public");
    }

    private Task<HttpResponseMessage> GetAsync(TestDevice device, string route)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, route);
        request.Headers.TryAddWithoutValidation("Authorization", RequestSignature.Create(device.Key, "GET", route, [], _server.Time.GetUtcNow()).ToString());
        return _server.Http.SendAsync(request);
    }

    private static string RouteTo(ObjectId file) => Routes.RepositoryObject(new ObjectName(ObjectKind.File, file));

    private string RouteTo(string what) => what switch
    {
        "head" => Routes.Head(Secret),
        "history" => Routes.ArchivedHead(Secret, 1),
        "commit" => Routes.RepositoryObject(new ObjectName(ObjectKind.Commit, SecretCommit)),
        "tree" => Routes.RepositoryObject(new ObjectName(ObjectKind.Tree, _server.Data.Repository.ReadCommit(SecretCommit).Tree)),
        "file" => RouteTo(Hidden),
        "delta" => Routes.Delta(MakeDelta()),
        _ => MakeDelta().Length > 0 ? Routes.DeltasTo(SecretCommit) : "",
    };

    private string MakeDelta()
    {
        using var deltas = new ContentTree.Server.Deltas.DeltaStore(_server.Data);
        return deltas.Make(PublicCommit, SecretCommit, new DeltaOptions(), null, CancellationToken.None).Offer.Name;
    }
}
