using System.Net;
using System.Text.Json;
using ContentTree.Server.Deltas;
using ContentTree.Server.Publishing;
using ContentTree.Store.Deltas;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Server;

/// <summary>Deltas as a server makes, offers, keeps and removes them.</summary>
public sealed class DeltaMakingTests
{
    [Fact]
    public async Task A_server_makes_deltas_from_the_last_commits_whoever_publishes()
    {
        await using var server = await StartAsync(deltas: 2);
        var commits = Publish(server, "one", "two", "three", "four");
        using var deltas = new DeltaStore(server.Data);
        await Eventually(() => deltas.To(commits[3]).Count == 2);
        deltas.Find(commits[2], commits[3]).Should().NotBeNull();
        deltas.Find(commits[1], commits[3]).Should().NotBeNull();

        var local = await ServerCommand.DoAsync("--data", server.DataPath, "publish", "--branch", "stable", Changed(server, "five"));
        await Eventually(() => deltas.Find(commits[3], ObjectId.Parse(local.LastLine)) is not null);
        (await ServerCommand.DoAsync("--data", server.DataPath, "delta", "--list")).Out.Should().Contain(local.LastLine[..12]).And.Contain(" s ");
    }

    [Theory]
    [InlineData("deltas.fast = stable", true)]
    [InlineData("deltas.fast = lab, *", true)]
    [InlineData("deltas.fast = lab", false)]
    public async Task A_branch_has_the_profile_that_the_settings_say(string setting, bool isFast)
    {
        await using var server = await StartAsync(deltas: 1);
        server.WriteSettings(setting);
        var commits = Publish(server, "one", "two");
        using var deltas = new DeltaStore(server.Data);
        await Eventually(() => deltas.Find(commits[0], commits[1]) is not null);
        var file = await File.ReadAllBytesAsync(deltas.PathOf(DeltaName.Parse(deltas.Find(commits[0], commits[1])!.Name)));
        var header = DeltaHeader.Decode(file.AsSpan(0, DeltaHeader.LengthOf(file)));
        header.Parts.Select(p => p.Codec).Should().Contain(isFast ? PartCodec.ContextFast : PartCodec.ContextSmallest)
            .And.NotContain(isFast ? PartCodec.ContextSmallest : PartCodec.ContextFast);
    }

    [Fact]
    public async Task A_poll_that_brings_a_head_brings_the_delta_that_leads_there()
    {
        await using var server = await StartAsync(deltas: 0);
        var commits = Publish(server, "one", "two");
        using var device = await AcceptedAsync(server);
        var poll = new PollRequest(BranchName.Parse("stable"), "good", 1, 1, Running: commits[0]);
        (await ReadAsync(await device.PollAsync(poll))).Delta.Should().BeNull();

        var made = await ServerCommand.DoAsync("--data", server.DataPath, "delta", commits[0].ToString(), commits[1].ToString());
        var answer = await ReadAsync(await device.PollAsync(poll));
        made.LastLine.Should().EndWith($"/{answer.Delta!.Name} {answer.Delta.Bytes}");
        (await server.Http.GetByteArrayAsync(Routes.Delta(answer.Delta.Name))).Should().HaveCount((int)answer.Delta.Bytes);
        (await ReadAsync(await device.PollAsync(poll with { Head = ObjectId.Of(answer.Head!.Bytes.Span) }))).Delta.Should().BeNull();
    }

    [Fact]
    public async Task A_device_that_asks_is_told_to_wait_and_then_gets_the_delta()
    {
        await using var server = await StartAsync(deltas: 1);
        var commits = Publish(server, "one", "two", "three");
        using var device = await AcceptedAsync(server);
        using var deltas = new DeltaStore(server.Data);
        await Eventually(() => deltas.Find(commits[1], commits[2]) is not null);

        using var waiting = await AskAsync(device, commits[0], commits[2]);
        waiting.StatusCode.Should().Be(HttpStatusCode.Accepted);
        waiting.Headers.RetryAfter!.Delta.Should().BeGreaterThan(TimeSpan.Zero);
        await Eventually(() => deltas.Find(commits[0], commits[2]) is not null);
        using var ready = await AskAsync(device, commits[0], commits[2]);
        var offer = JsonSerializer.Deserialize(await ready.Content.ReadAsStringAsync(), ProtocolJson.Default.DeltaOffer);
        offer.Should().Be(deltas.Find(commits[0], commits[2]));

        using var first = await AskAsync(device, null, commits[2]);
        first.StatusCode.Should().Be(HttpStatusCode.Accepted);
        await Eventually(() => deltas.Find(null, commits[2]) is not null);
    }

    [Fact]
    public async Task Nobody_can_have_deltas_made_for_what_no_head_names()
    {
        await using var server = await StartAsync(deltas: 1);
        var commits = Publish(server, "one", "two");
        using var device = await AcceptedAsync(server);
        using var stranger = new TestDevice(server);
        (await AskAsync(stranger, commits[0], commits[1])).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        await stranger.EnrolAsync();
        (await AskAsync(stranger, commits[0], commits[1])).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await AskAsync(device, commits[0], ObjectId.Of("x"u8))).StatusCode.Should().Be(HttpStatusCode.NotFound);
        (await AskAsync(device, ObjectId.Of("x"u8), commits[1])).StatusCode.Should().Be(HttpStatusCode.NotFound);
        (await AskAsync(device, commits[1], commits[1])).StatusCode.Should().Be(HttpStatusCode.NotFound);
        HttpResponseMessage last;
        for (var asked = 3; ; asked++)
        {
            last = await AskAsync(device, ObjectId.Of("x"u8), commits[1]);
            if (last.StatusCode != HttpStatusCode.NotFound)
                break;
            asked.Should().BeLessThan(10);
        }
        last.StatusCode.Should().Be(HttpStatusCode.TooManyRequests);
        last.Headers.RetryAfter.Should().NotBeNull();
    }

    [Fact]
    public async Task A_server_without_deltas_refuses_to_make_one()
    {
        await using var server = await StartAsync(deltas: 0);
        var commits = Publish(server, "one", "two");
        using var device = await AcceptedAsync(server);
        (await AskAsync(device, commits[0], commits[1])).StatusCode.Should().Be(HttpStatusCode.NotFound);
    }

    [Fact]
    public void A_queue_takes_each_pair_once_and_no_more_than_it_holds()
    {
        var queue = new DeltaQueue();
        var pairs = Enumerable.Range(0, DeltaQueue.Capacity + 1).Select(i => new DeltaPair(null, ObjectId.Of([(byte)i]))).ToArray();
        foreach (var pair in pairs[..^1])
            queue.TryAdd(pair).Should().Be(DeltaQueueing.Queued);
        queue.TryAdd(pairs[0]).Should().Be(DeltaQueueing.Queued);
        queue.TryAdd(pairs[^1]).Should().Be(DeltaQueueing.Full);
        queue.Take().Should().Be(pairs[0]);
        queue.TryAdd(pairs[0]).Should().Be(DeltaQueueing.Queued);
        queue.Finish(pairs[0], hasFailed: true);
        queue.TryAdd(pairs[0]).Should().Be(DeltaQueueing.Failed);
        queue.Take().Should().Be(pairs[1]);
    }

    [Fact]
    public async Task What_fails_is_not_tried_for_ever()
    {
        await using var server = await StartAsync(deltas: 1);
        var commits = Publish(server, "one", "two", "three");
        using var device = await AcceptedAsync(server);
        using var deltas = new DeltaStore(server.Data);
        await Eventually(() => deltas.Find(commits[1], commits[2]) is not null);
        File.Delete(Path.Combine(server.DataPath, "repo", new ObjectName(ObjectKind.Tree, server.Data.Repository.ReadCommit(commits[0]).Tree).RelativePath));
        (await AskAsync(device, commits[0], commits[2])).StatusCode.Should().Be(HttpStatusCode.Accepted);
        for (var tries = 0; ; tries++)
        {
            server.Time.Ahead += TimeSpan.FromMinutes(1);
            using var answer = await AskAsync(device, commits[0], commits[2]);
            if (answer.StatusCode == HttpStatusCode.NotFound)
                break;
            tries.Should().BeLessThan(100);
            await Task.Delay(100);
        }
    }

    [Fact]
    public async Task The_quota_takes_what_was_not_used_for_longest_but_not_what_leads_to_a_head()
    {
        await using var server = await StartAsync(deltas: 0);
        var commits = Publish(server, "one", "two", "three");
        using var deltas = new DeltaStore(server.Data);
        var old = Make(deltas, commits[0], commits[1]);
        var used = Make(deltas, null, commits[1]);
        var newest = Make(deltas, commits[1], commits[2]);
        foreach (var offer in new[] { old, used, newest })
            File.SetLastWriteTimeUtc(deltas.PathOf(DeltaName.Parse(offer.Name)), DateTime.UtcNow.AddDays(-2));
        using (await server.Http.GetAsync(Routes.Delta(used.Name)))
            deltas.Trim(used.Bytes + newest.Bytes, long.MaxValue, new HashSet<ObjectId> { commits[2] }, CancellationToken.None);
        deltas.List().Select(d => d.Name.ToString()).Should().BeEquivalentTo(used.Name, newest.Name);
        deltas.To(commits[1]).Should().Equal(used);
        deltas.Trim(0, long.MaxValue, new HashSet<ObjectId> { commits[2] }, CancellationToken.None);
        deltas.List().Select(d => d.Name.ToString()).Should().Equal(newest.Name);
        (await server.Http.GetAsync(Routes.DeltasTo(commits[1]))).StatusCode.Should().Be(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Parts_are_trimmed_only_while_nobody_makes_a_delta_of_them()
    {
        await using var server = await StartAsync(deltas: 0);
        var commits = Publish(server, "one", "two");
        using var deltas = new DeltaStore(server.Data);
        Make(deltas, commits[0], commits[1]);
        var parts = Path.Combine(server.DataPath, "cache/parts");
        using (var cache = ContentTree.Store.Posix.OpenDirectory(Path.Combine(server.DataPath, "cache")))
        using (var other = ContentTree.Store.Posix.OpenOrCreateAt(cache, "deltas.lock"u8, 0x1a4))
        using (var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(300)))
        {
            ContentTree.Store.Posix.TryLock(other, exclusive: true, wait: false, "lock of deltas").Should().BeTrue();
            deltas.Invoking(d => d.Trim(long.MaxValue, 0, new HashSet<ObjectId>(), patience.Token)).Should().Throw<OperationCanceledException>();
            Directory.GetFiles(parts, "*.part").Should().NotBeEmpty();
        }
        deltas.Trim(long.MaxValue, 0, new HashSet<ObjectId>(), CancellationToken.None);
        Directory.GetFiles(parts, "*.part").Should().BeEmpty();
    }

    [Fact]
    public async Task A_damaged_list_of_deltas_counts_as_none_and_is_written_anew()
    {
        await using var server = await StartAsync(deltas: 0);
        var commits = Publish(server, "one", "two", "three");
        using var device = await AcceptedAsync(server);
        using var deltas = new DeltaStore(server.Data);
        var first = Make(deltas, commits[0], commits[2]);
        var list = Path.Combine(server.DataPath, "repo/deltas", $"{commits[2]}.json");
        var poll = new PollRequest(BranchName.Parse("stable"), "good", 1, 1, Running: commits[0]);
        (await ReadAsync(await device.PollAsync(poll))).Delta.Should().Be(first);
        foreach (var damage in new[] { "", "{", "null", "[]", "{\"deltas\":null}", "{\"deltas\":[{\"name\":7}]}", new string(' ', 2_000_000) })
        {
            File.WriteAllText(list, damage);
            var answer = await ReadAsync(await device.PollAsync(poll));
            answer.Head.Should().NotBeNull();
            answer.Delta.Should().BeNull();
        }
        var second = Make(deltas, commits[1], commits[2]);
        deltas.To(commits[2]).Should().Equal(second);
        (await ServerCommand.DoAsync("--data", server.DataPath, "gc")).Out.Should().NotBeEmpty();
        deltas.To(commits[2]).Should().BeEquivalentTo([first, second]);
    }

    [Fact]
    public async Task A_delta_that_fails_its_own_check_is_told_of_as_our_mistake_and_not_published()
    {
        await using var server = await StartAsync(deltas: 0);
        var commits = Publish(server, "one");
        ObjectId wrong;
        using (var writer = server.Data.Repository.BeginWriting())
        {
            // Its totals are too small for what its plan has to bring.
            wrong = Publisher.WriteCommit(server.Data.Repository.ReadCommit(commits[0]) with { Bytes = 1 }, writer);
            writer.Complete();
        }
        var made = await ServerCommand.RunAsync("--data", server.DataPath, "delta", "none", wrong.ToString());
        made.Exit.Should().Be((int)ExitCode.Failed);
        made.Error.Should().Contain("mistake of ctree-server").And.Contain("nothing was published").And.Contain("still served objects");
        made.Error.TrimEnd().Split('\n').Should().OnlyContain(line => !line.Contains("   at "));
        Directory.GetFiles(Path.Combine(server.DataPath, "repo/deltas")).Should().BeEmpty();
    }

    [Fact]
    public async Task Gc_removes_deltas_to_commits_that_are_gone_and_mends_lists()
    {
        await using var server = await StartAsync(deltas: 0);
        var commits = Publish(server, "one", "two", "three");
        using var deltas = new DeltaStore(server.Data);
        Make(deltas, commits[0], commits[1]);
        var kept = Make(deltas, commits[1], commits[2]);
        var folder = Path.Combine(server.DataPath, "repo", "deltas");
        File.Delete(Path.Combine(folder, $"{commits[2]}.json"));
        File.WriteAllText(Path.Combine(folder, $"{commits[0]}.json"), "{\"deltas\":[]}");
        File.WriteAllText(Path.Combine(folder, ".new-left"), "half");
        var gc = await ServerCommand.DoAsync("--data", server.DataPath, "gc", "--keep", "1", "--grace", "0");
        gc.Out.Should().Contain("removed 1 deltas");
        Directory.GetFiles(folder).Select(Path.GetFileName).Should().BeEquivalentTo(kept.Name, $"{commits[2]}.json");
        deltas.Find(commits[1], commits[2]).Should().Be(kept);
    }

    [Fact]
    public async Task A_plan_guesses_first_and_knows_afterwards()
    {
        await using var server = await StartAsync(deltas: 0);
        var commits = Publish(server, "one", "two");
        string[] pair = [commits[0].ToString(), commits[1].ToString()];
        var guess = await PlanAsync(server, pair);
        guess.GetProperty("isEstimate").GetBoolean().Should().BeTrue();
        guess.GetProperty("contents").GetInt32().Should().Be(1);
        guess.GetProperty("withBase").GetInt32().Should().Be(1);
        // The file, the root and the commit; the deployment's root.
        guess.GetProperty("diskInodes").GetInt64().Should().Be(4);
        Directory.GetFiles(Path.Combine(server.DataPath, "repo", "deltas")).Should().BeEmpty();

        var made = await ServerCommand.DoAsync(["--data", server.DataPath, "delta", .. pair]);
        var known = await PlanAsync(server, pair);
        known.GetProperty("isEstimate").GetBoolean().Should().BeFalse();
        made.LastLine.Should().EndWith($" {known.GetProperty("transferBytes").GetInt64()}");
    }

    [Fact]
    public async Task A_delta_made_again_takes_its_parts_from_the_cache()
    {
        await using var server = await StartAsync(deltas: 0);
        var commits = Publish(server, "one", "two");
        using var deltas = new DeltaStore(server.Data);
        var first = deltas.Make(commits[0], commits[1], new DeltaOptions(), null, CancellationToken.None);
        first.Made!.KnownParts.Should().Be(0);
        File.Delete(deltas.PathOf(DeltaName.Parse(first.Offer.Name)));
        var second = deltas.Make(commits[0], commits[1], new DeltaOptions { InBackground = true }, null, CancellationToken.None);
        second.Made!.KnownParts.Should().Be(second.Made.Header.Parts.Count).And.BePositive();
        second.Offer.Should().Be(first.Offer);
        deltas.Make(commits[0], commits[1], new DeltaOptions(), null, CancellationToken.None).Made.Should().BeNull();
    }

    [Fact]
    public async Task Polls_are_answered_while_a_delta_is_made()
    {
        await using var server = await StartAsync(deltas: 0);
        var content = new byte[40_000_000];
        new Random(1).NextBytes(content);
        var commits = new List<ObjectId>();
        for (var version = 0; version < 2; version++)
        {
            for (var at = version; at < content.Length; at += 50)
                content[at] += 1;
            File.WriteAllBytes(Path.Combine(server.Source, "large"), content);
            commits.Add(server.Publish().Commit);
        }
        using var device = await AcceptedAsync(server);
        server.Options = server.Options with { Deltas = 1 };
        await server.RestartAsync();
        using var deltas = new DeltaStore(server.Data);
        await Eventually(() => Directory.GetFiles(Path.Combine(server.DataPath, "repo/deltas"), ".new-*").Length > 0);
        for (var polls = 0; polls < 3; polls++)
        {
            var answer = await ReadAsync(await device.PollAsync(new PollRequest(BranchName.Parse("stable"), "good", 1, 1, Running: commits[0])));
            answer.Head.Should().NotBeNull();
            answer.Delta.Should().BeNull();
        }
        deltas.Find(commits[0], commits[1]).Should().BeNull("it was being made all the time");
    }

    private static async Task<TestServer> StartAsync(int deltas)
    {
        var server = await TestServer.StartAsync();
        server.Options = server.Options with { Deltas = deltas };
        await server.RestartAsync();
        return server;
    }

    private static ObjectId[] Publish(TestServer server, params string[] contents) => [.. contents.Select(content =>
    {
        Changed(server, content);
        return server.Publish().Commit;
    })];

    private static string Changed(TestServer server, string content)
    {
        server.WriteSource("file", string.Join(' ', Enumerable.Range(0, 5000)) + content);
        return server.Source;
    }

    private static DeltaOffer Make(DeltaStore deltas, ObjectId? from, ObjectId to) =>
        deltas.Make(from, to, new DeltaOptions(), null, CancellationToken.None).Offer;

    private static async Task<TestDevice> AcceptedAsync(TestServer server)
    {
        var device = new TestDevice(server);
        (await device.EnrolAsync(server.NewToken(TokenRole.Enrol))).EnsureSuccessStatusCode();
        return device;
    }

    private static Task<HttpResponseMessage> AskAsync(TestDevice device, ObjectId? from, ObjectId to) =>
        device.SendAsync(Routes.Deltas, new DeltaRequest(to, from), ProtocolJson.Default.DeltaRequest);

    private static async Task<PollAnswer> ReadAsync(HttpResponseMessage answer) =>
        JsonSerializer.Deserialize(await answer.Content.ReadAsStringAsync(), ProtocolJson.Default.PollAnswer)!;

    private static async Task<JsonElement> PlanAsync(TestServer server, string[] pair)
    {
        var plan = await ServerCommand.DoAsync(["--data", server.DataPath, "delta", "--plan", "--json", .. pair]);
        var json = JsonDocument.Parse(plan.Out).RootElement;
        json.GetProperty("schema").GetString().Should().Be("ctree-server.delta-plan/1");
        return json;
    }

    private static async Task Eventually(Func<bool> condition)
    {
        for (var waited = 0; !condition(); waited++)
        {
            waited.Should().BeLessThan(600, "it should have happened within a minute");
            await Task.Delay(100);
        }
    }
}
