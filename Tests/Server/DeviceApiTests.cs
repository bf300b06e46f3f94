using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Server;

/// <summary>Enrolling, polling and reporting, as a device sees it.</summary>
public sealed class DeviceApiTests
{
    [Fact]
    public async Task A_device_waits_until_it_is_accepted_and_then_gets_heads()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var published = server.Publish();
        using var device = new TestDevice(server);

        var enrolled = await Read(await device.EnrolAsync(), ProtocolJson.Default.EnrolAnswer);
        enrolled.Should().Be(new EnrolAnswer(device.Id, DeviceState.Pending, server.Data.Trust.Load().Fingerprint));
        var waiting = await Read(await device.PollAsync(), ProtocolJson.Default.PollAnswer);
        waiting.State.Should().Be(DeviceState.Pending);
        waiting.Head.Should().BeNull();

        server.Devices().Decide(device.Id, DeviceState.Accepted);
        var accepted = await Read(await device.PollAsync(), ProtocolJson.Default.PollAnswer);
        accepted.State.Should().Be(DeviceState.Accepted);
        accepted.Interval.Should().Be(1800);
        accepted.Root.Should().Be(1);
        var head = server.Data.Trust.Load().VerifyHead(accepted.Head!.Bytes.Span, BranchName.Parse("stable"));
        head.Commit.Should().Be(published.Commit);
    }

    [Fact]
    public async Task Nothing_new_is_a_few_bytes_each_way()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var published = server.Publish("stable/amd64");
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol), "stable/amd64");
        var known = await Read(await device.PollAsync("stable/amd64"), ProtocolJson.Default.PollAnswer);

        var poll = new PollRequest(BranchName.Parse("stable/amd64"), "good", 1, 1, ObjectId.Of(known.Head!.Bytes.Span), published.Commit, Reports: 3);
        JsonSerializer.SerializeToUtf8Bytes(poll, ProtocolJson.Default.PollRequest).Length.Should().BeLessThan(400);
        using var answer = await device.PollAsync(poll);
        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        (await answer.Content.ReadAsByteArrayAsync()).Length.Should().BeLessThan(550);
        answer.Headers.Concat(answer.Content.Headers).Sum(h => h.Key.Length + h.Value.Sum(v => v.Length) + 4).Should().BeLessThan(300);
        (await Read(answer, ProtocolJson.Default.PollAnswer)).Head.Should().BeNull();
    }

    [Fact]
    public async Task A_poll_tells_operators_what_runs_there_and_what_should()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
        var (running, wanted) = (ObjectId.Of("running"u8), ObjectId.Of("wanted"u8));
        await device.PollAsync(new PollRequest(BranchName.Parse("stable"), "fallback", 1, 7, null, running, wanted, wanted));
        await device.ReportAsync(Event(1, EventKind.FellBack, 1, "no tries left"), Event(2, EventKind.Denied));

        var shown = server.Devices().Find(device.Id);
        (shown.Running, shown.Wanted, shown.Failed, shown.Boot, shown.Sequence).Should().Be((running, wanted, wanted, "fallback", 7));
        shown.LastSeen.Should().BeCloseTo(server.Time.GetUtcNow(), TimeSpan.FromMinutes(1));
        shown.Events!.Select(e => (e.Sequence, e.Kind, e.Message)).Should().Equal((2, "denied", null), (1, "fell-back", "no tries left"));

        var table = await ServerCommand.DoAsync("--data", server.DataPath, "device", "list");
        table.Out.Should().Contain(device.Id.ToString()).And.Contain(running.ToString()[..12]).And.Contain(wanted.ToString()[..12]).And.Contain("fallback").And.Contain("denied");
        var person = await ServerCommand.DoAsync("--data", server.DataPath, "device", "show", device.Id.ToString());
        person.Out.Should().Contain("fell-back").And.Contain("no tries left").And.Contain(running.ToString());
        var json = JsonDocument.Parse((await ServerCommand.DoAsync("--data", server.DataPath, "device", "list", "--json")).Out).RootElement;
        json.GetProperty("schema").GetString().Should().Be("ctree-server.devices/1");
        json.GetProperty("devices")[0].GetProperty("running").GetString().Should().Be(running.ToString());
    }

    [Fact]
    public async Task The_list_says_in_a_word_why_a_device_does_not_run_what_it_should()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var old = server.Publish().Commit;
        server.WriteSource("file", "two");
        var target = server.Publish().Commit;
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
        var poll = new PollRequest(BranchName.Parse("stable"), "good", 1, 2);
        var cases = new (string Word, PollRequest Poll)[]
        {
            ("in sync", poll with { Running = target }),
            ("behind", poll with { Running = old }),
            ("updating", poll with { Running = old, Wanted = target }),
            ("fell back", poll with { Running = old, Failed = target }),
            ("held", poll with { Running = old, Hold = true }),
        };
        foreach (var (word, said) in cases)
        {
            (await device.PollAsync(said)).StatusCode.Should().Be(HttpStatusCode.OK);
            (await ServerCommand.DoAsync("--data", server.DataPath, "device", "list")).Out.Should().MatchRegex($@"{target.ToString()[..12]}\s+{word}\s+\S+( back)?\s+good");
            (await ServerCommand.DoAsync("device", "show", device.Id.ToString(), "--server", server.Url, "--token", server.Admin)).Out.Should().Contain($"{target}: {word}");
        }
    }

    [Fact]
    public async Task An_enrolment_token_lets_in_as_many_devices_as_it_says()
    {
        await using var server = await TestServer.StartAsync();
        var token = server.NewToken(TokenRole.Enrol, uses: 2);
        using var first = new TestDevice(server);
        using var second = new TestDevice(server);
        using var third = new TestDevice(server);
        (await Read(await first.EnrolAsync(token), ProtocolJson.Default.EnrolAnswer)).State.Should().Be(DeviceState.Accepted);
        // A device whose answer was lost asks again: that must not cost a use, nor fail when none is left.
        (await Read(await first.EnrolAsync(token), ProtocolJson.Default.EnrolAnswer)).State.Should().Be(DeviceState.Accepted);
        (await Read(await second.EnrolAsync(token), ProtocolJson.Default.EnrolAnswer)).State.Should().Be(DeviceState.Accepted);
        (await Read(await second.EnrolAsync(token), ProtocolJson.Default.EnrolAnswer)).State.Should().Be(DeviceState.Accepted);
        await (await third.EnrolAsync(token)).ShouldBeProblemAsync(ProblemCode.BadToken);
        server.Devices().List(10).Select(d => d.Id).Should().Equal(new[] { first.Id, second.Id }.Order());
    }

    [Fact]
    public async Task A_token_that_has_ended_or_was_revoked_or_is_for_something_else_enrols_nobody()
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        var brief = server.NewToken(TokenRole.Enrol, expires: server.Time.GetUtcNow().AddHours(1));
        var revoked = server.NewToken(TokenRole.Enrol);
        await ServerCommand.DoAsync("--data", server.DataPath, "token", "revoke", revoked.Split('-', '.')[1]);
        server.Time.Ahead = TimeSpan.FromHours(2);
        foreach (var token in new[] { brief, revoked, server.Admin, "ctree-00000000.x", "nonsense", "" })
            await (await device.EnrolAsync(token)).ShouldBeProblemAsync(ProblemCode.BadToken);
        server.Devices().List(10).Should().BeEmpty();
    }

    [Fact]
    public async Task One_key_is_one_device_however_often_it_enrols()
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        await device.EnrolAsync(name: "before");
        await device.EnrolAsync(name: "after");
        server.Devices().List(10).Should().ContainSingle().Which.Name.Should().Be("after");
    }

    [Fact]
    public async Task A_key_can_be_accepted_before_it_enrols()
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        await ServerCommand.DoAsync("device", "accept", device.Id.ToString(), "--expected-on", "stable", "--server", server.Url, "--token", server.Admin);
        await (await device.PollAsync()).ShouldBeProblemAsync(ProblemCode.DeviceUnknown);
        (await Read(await device.EnrolAsync(), ProtocolJson.Default.EnrolAnswer)).State.Should().Be(DeviceState.Accepted);
    }

    [Fact]
    public async Task A_rejected_device_stays_out_and_a_removed_one_starts_again()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        using var device = new TestDevice(server);
        await device.EnrolAsync();
        await ServerCommand.DoAsync("--data", server.DataPath, "device", "reject", device.Id.ToString());
        var refused = await Read(await device.PollAsync(), ProtocolJson.Default.PollAnswer);
        (refused.State, refused.Head).Should().Be((DeviceState.Rejected, null));
        await (await device.ReportAsync(Event(1, EventKind.Updated))).ShouldBeProblemAsync(ProblemCode.DeviceRejected);
        (await Read(await device.EnrolAsync(server.NewToken(TokenRole.Enrol)), ProtocolJson.Default.EnrolAnswer)).State.Should().Be(DeviceState.Rejected);

        await ServerCommand.DoAsync("--data", server.DataPath, "device", "remove", device.Id.ToString());
        await (await device.PollAsync()).ShouldBeProblemAsync(ProblemCode.DeviceUnknown);
        (await Read(await device.EnrolAsync(), ProtocolJson.Default.EnrolAnswer)).State.Should().Be(DeviceState.Pending);
    }

    [Fact]
    public async Task Only_the_holder_of_the_key_speaks_for_a_device()
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        using var other = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
        var poll = JsonSerializer.SerializeToUtf8Bytes(new PollRequest(BranchName.Parse("stable"), "", 1, 0), ProtocolJson.Default.PollRequest);

        using var unsigned = new HttpRequestMessage(HttpMethod.Post, Routes.Poll) { Content = new ByteArrayContent(poll) };
        await (await server.Http.SendAsync(unsigned)).ShouldBeProblemAsync(ProblemCode.BadSignature);

        using var altered = device.Sign(Routes.Poll, poll, [.. poll, (byte)' ']);
        await (await server.Http.SendAsync(altered)).ShouldBeProblemAsync(ProblemCode.BadSignature);

        using var elsewhere = device.Sign(Routes.Report, poll);
        elsewhere.RequestUri = new Uri(Routes.Poll, UriKind.Relative);
        await (await server.Http.SendAsync(elsewhere)).ShouldBeProblemAsync(ProblemCode.BadSignature);

        using var forged = other.Sign(Routes.Poll, poll);
        var header = forged.Headers.GetValues("Authorization").Single().Replace(other.Id.ToString(), device.Id.ToString(), StringComparison.Ordinal);
        forged.Headers.Remove("Authorization");
        forged.Headers.TryAddWithoutValidation("Authorization", header);
        await (await server.Http.SendAsync(forged)).ShouldBeProblemAsync(ProblemCode.BadSignature);

        var stolen = new EnrolRequest(device.Key.Public.Pem, "thief", "", "", BranchName.Parse("stable"));
        await (await other.SendAsync(Routes.Enrol, stolen, ProtocolJson.Default.EnrolRequest)).ShouldBeProblemAsync(ProblemCode.BadSignature);
        await (await other.PollAsync()).ShouldBeProblemAsync(ProblemCode.DeviceUnknown);
        server.Devices().Find(device.Id).LastSeen.Should().BeNull("none of these was the device");
    }

    [Fact]
    public async Task A_recorded_request_cannot_be_sent_again()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        using var device = new TestDevice(server);
        await device.EnrolAsync();
        var poll = JsonSerializer.SerializeToUtf8Bytes(new PollRequest(BranchName.Parse("stable"), "", 1, 0), ProtocolJson.Default.PollRequest);
        using var first = device.Sign(Routes.Poll, poll);
        using var again = new HttpRequestMessage(HttpMethod.Post, Routes.Poll) { Content = new ByteArrayContent(poll) };
        again.Headers.TryAddWithoutValidation("Authorization", first.Headers.GetValues("Authorization").Single());
        (await server.Http.SendAsync(first)).StatusCode.Should().Be(HttpStatusCode.OK);
        await (await server.Http.SendAsync(again)).ShouldBeProblemAsync(ProblemCode.Replay);
    }

    [Fact]
    public async Task A_recorded_request_cannot_be_sent_again_after_a_restart_and_no_old_one_is_kept()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        using var device = new TestDevice(server);
        await device.EnrolAsync();
        var poll = JsonSerializer.SerializeToUtf8Bytes(new PollRequest(BranchName.Parse("stable"), "", 1, 0), ProtocolJson.Default.PollRequest);
        using var first = device.Sign(Routes.Poll, poll);
        var authorization = first.Headers.GetValues("Authorization").Single();
        (await server.Http.SendAsync(first)).StatusCode.Should().Be(HttpStatusCode.OK);
        await server.RestartAsync();
        using var again = new HttpRequestMessage(HttpMethod.Post, Routes.Poll) { Content = new ByteArrayContent(poll) };
        again.Headers.TryAddWithoutValidation("Authorization", authorization);
        await (await server.Http.SendAsync(again)).ShouldBeProblemAsync(ProblemCode.Replay);

        server.Time.Ahead = TimeSpan.FromMinutes(20);
        await device.PollAsync();
        using var connection = server.Data.OpenDatabase().Connect();
        connection.Query("SELECT count(*) FROM nonces", row => row.GetInt64(0)).Should().Equal(1);
    }

    [Theory]
    [InlineData(-20_000)]
    [InlineData(20)]
    public async Task A_device_with_a_wrong_clock_is_told_the_time_and_gets_through_with_it(int daysAhead)
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        using var device = new TestDevice(server) { ClockError = TimeSpan.FromDays(daysAhead) };
        var refused = await (await device.EnrolAsync()).ShouldBeProblemAsync(ProblemCode.Clock);
        refused.Time!.Value.Should().BeCloseTo(server.Time.GetUtcNow().ToUnixTimeSeconds(), 60);
        device.ClockError = DateTimeOffset.FromUnixTimeSeconds(refused.Time.Value) - server.Time.GetUtcNow();
        (await device.EnrolAsync()).StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Who_cannot_sign_is_not_told_about_clocks()
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server) { ClockError = TimeSpan.FromDays(-1) };
        using var request = device.Sign(Routes.Enrol, "{}"u8.ToArray(), JsonSerializer.SerializeToUtf8Bytes(
            new EnrolRequest(device.Key.Public.Pem, "", "", "", BranchName.Parse("stable")), ProtocolJson.Default.EnrolRequest));
        await (await server.Http.SendAsync(request)).ShouldBeProblemAsync(ProblemCode.BadSignature);
    }

    [Fact]
    public async Task A_branch_that_does_not_exist_is_not_found_but_an_empty_one_has_nothing_new()
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol), "later");
        await (await device.PollAsync("later")).ShouldBeProblemAsync(ProblemCode.NotFound);
        await ServerCommand.DoAsync("--data", server.DataPath, "branch", "create", "later");
        (await Read(await device.PollAsync("later"), ProtocolJson.Default.PollAnswer)).Head.Should().BeNull();
        server.WriteSource("file", "one");
        server.Publish("later");
        (await Read(await device.PollAsync("later"), ProtocolJson.Default.PollAnswer)).Head.Should().NotBeNull();
    }

    [Fact]
    public async Task Reported_events_count_once_and_gaps_are_asked_for()
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
        (await Received(await device.ReportAsync(Event(1, EventKind.Updated), Event(2, EventKind.Confirmed)))).Should().Be(2);
        (await Received(await device.ReportAsync(Event(1, EventKind.Updated), Event(2, EventKind.Confirmed), Event(3, "from-the-future")))).Should().Be(3);
        (await Received(await device.ReportAsync(Event(4, EventKind.Updated), Event(6, EventKind.FellBack, 1)))).Should().Be(4, "5 is missing");
        (await Received(await device.ReportAsync(Event(5, EventKind.Failed, 15), Event(6, EventKind.FellBack, 1)))).Should().Be(6);
        new ContentTree.Server.Storage.Events(server.Data.OpenDatabase()).Newest(device.Id, 100).Select(e => e.Sequence).Should().Equal(6, 5, 4, 3, 2, 1);

        await server.RestartAsync(withoutDatabase: true);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
        // The device has forgotten what an earlier server confirmed: waiting for that would wait for ever.
        (await Received(await device.ReportAsync(Event(7, EventKind.Updated)))).Should().Be(7);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"branch\":\"../x\",\"boot\":\"\",\"root\":1,\"sequence\":0}")]
    [InlineData("{\"branch\":null,\"boot\":\"\",\"root\":1,\"sequence\":0}")]
    [InlineData("{\"branch\":\"stable\",\"boot\":\"\\u001b[2J\",\"root\":1,\"sequence\":0}")]
    [InlineData("{\"branch\":\"stable\",\"boot\":\"\",\"root\":1,\"sequence\":0,\"running\":\"xyz\"}")]
    public async Task A_poll_that_makes_no_sense_is_refused_and_not_recorded(string body)
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        await device.EnrolAsync();
        using var request = device.Sign(Routes.Poll, System.Text.Encoding.UTF8.GetBytes(body));
        await (await server.Http.SendAsync(request)).ShouldBeProblemAsync(ProblemCode.BadRequest);
        server.Devices().Find(device.Id).LastSeen.Should().BeNull();
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r")]
    [InlineData("\u001b[2J")]
    [InlineData("\u009b2J")]
    [InlineData("\u202e")]
    [InlineData("\u2066")]
    [InlineData("\u200b")]
    [InlineData("\u2028")]
    public async Task What_ends_a_line_colours_a_terminal_or_turns_text_around_is_in_nothing_that_a_device_says(string sign)
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        await (await device.EnrolAsync(name: $"lab{sign}x")).ShouldBeProblemAsync(ProblemCode.BadRequest);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol), name: "lab x");
        await (await device.PollAsync(new PollRequest(BranchName.Parse("stable"), $"good{sign}", 1, 0))).ShouldBeProblemAsync(ProblemCode.BadRequest);
        await device.ReportAsync(new ReportEvent(1, server.Time.GetUtcNow(), "failed", Code: 1, Message: $"one{sign}two"));
        server.Devices().Find(device.Id).Events!.Single().Message.Should().Be($"one {sign[1..]}two");
        (await ServerCommand.DoAsync("--data", server.DataPath, "device", "show", $"{device.Id}")).Out.Should().NotContain($"one{sign[..1]}");
    }

    [Fact]
    public async Task Bodies_above_their_limit_are_refused()
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        await device.EnrolAsync();
        using var poll = device.Sign(Routes.Poll, new byte[BodyLimits.Small + 1]);
        await (await server.Http.SendAsync(poll)).ShouldBeProblemAsync(ProblemCode.TooLarge);
        using var enrol = device.Sign(Routes.Enrol, new byte[BodyLimits.Enrol + 1]);
        await (await server.Http.SendAsync(enrol)).ShouldBeProblemAsync(ProblemCode.TooLarge);
        await (await device.EnrolAsync(name: new string('n', 201))).ShouldBeProblemAsync(ProblemCode.BadRequest);
    }

    [Fact]
    public async Task Without_its_database_the_server_starts_anew_and_loses_no_release()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        server.WriteSource("file", "two");
        var second = server.Publish();
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));

        await server.RestartAsync(withoutDatabase: true);
        await (await device.PollAsync()).ShouldBeProblemAsync(ProblemCode.DeviceUnknown);
        (await Read(await device.EnrolAsync(), ProtocolJson.Default.EnrolAnswer)).State.Should().Be(DeviceState.Pending);
        server.Devices().Decide(device.Id, DeviceState.Accepted);
        var head = server.Data.Trust.Load().VerifyHead((await Read(await device.PollAsync(), ProtocolJson.Default.PollAnswer)).Head!.Bytes.Span, BranchName.Parse("stable"));
        (head.Sequence, head.Commit).Should().Be((2, second.Commit));
        server.WriteSource("file", "three");
        server.Publish().Sequence.Should().Be(3);
    }

    private static ReportEvent Event(long sequence, string kind, int code = 0, string? message = null) =>
        new(sequence, DateTimeOffset.UnixEpoch.AddDays(20_000), kind, Code: code, Message: message);

    private static async Task<long> Received(HttpResponseMessage answer) => (await Read(answer, ProtocolJson.Default.ReportAnswer)).Received;

    private static async Task<T> Read<T>(HttpResponseMessage answer, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        answer.StatusCode.Should().Be(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        return (await answer.Content.ReadFromJsonAsync(type))!;
    }
}
