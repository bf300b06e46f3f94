using System.Net;
using System.Net.Http.Json;
using System.Text;
using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet.Expected;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Dashboard;

namespace ContentTree.Tests.Server;

/// <summary>Lists of devices that are let in when they come: one key for each serial, once, and nothing of a list that is wrong anywhere.</summary>
public sealed class ExpectedDeviceTests : IAsyncLifetime
{
    private TestServer _server = null!;

    private ExpectedDevices Expected => new(_server.Data.OpenDatabase(), _server.Time);

    public async Task InitializeAsync() => _server = await TestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Who_comes_with_a_listed_serial_is_let_in_once()
    {
        new Groups(_server.Data.OpenDatabase(), _server.Time).Set(GroupName.Parse("lab"), null, "");
        new Groups(_server.Data.OpenDatabase(), _server.Time).Set(GroupName.Parse("berlin"), null, "label.site==berlin");
        (await ExpectAsync("# the first box\nSN-1 group=lab label.site=berlin\r\n\nSN-2,group=lab\n")).Should().Be(new ExpectedAnswer(2, 0, 0));
        using var first = new TestDevice(_server);
        using var second = new TestDevice(_server);
        using var stranger = new TestDevice(_server);
        (await EnrolAsync(first, "SN-1")).Should().Be(DeviceState.Accepted);
        (await EnrolAsync(second, "SN-1", _server.NewToken(TokenRole.Enrol))).Should().Be(DeviceState.Pending, "another key for the same serial is for a person");
        (await EnrolAsync(stranger, "SN-3")).Should().Be(DeviceState.Pending);
        (await EnrolAsync(first, "SN-1")).Should().Be(DeviceState.Accepted, "asking again changes nothing");
        var database = _server.Data.OpenDatabase();
        new Groups(database, _server.Time).Labels(first.Id).Should().Equal(new Dictionary<string, string> { ["site"] = "berlin" });
        new Groups(database, _server.Time).List().Select(g => (g.Name.ToString(), g.Devices)).Should().BeEquivalentTo([("lab", 1L), ("berlin", 1L)]);

        // Who has gone comes back by a person only.
        foreach (var device in new[] { first, second })
            _server.Devices().Remove(device.Id);
        (await EnrolAsync(second, "SN-1")).Should().Be(DeviceState.Pending);
        var shown = (await ServerCommand.DoAsync("device", "expected", "--server", _server.Url, "--token", _server.Admin)).Out;
        shown.Should().MatchRegex($@"SN-1 .*{first.Id}").And.MatchRegex("SN-2 .*unused");
        (await ServerCommand.DoAsync("--data", _server.DataPath, "device", "expected", "--unused")).Out.Should().Contain("SN-2").And.NotContain("SN-1");
        new Audit(_server.Data, _server.Time).List(new AuditFilter(Subject: first.Id.ToString()), 10).Single(e => e.Verb == "device.enrol").After.Should().StartWith("Accepted").And.Contain("listed as SN-1 by token ");
        new Audit(_server.Data, _server.Time).List(new AuditFilter(Verb: "device.expect"), 10).Should().ContainSingle().Which.After.Should().Be("2 new serials, 0 known");
    }

    [Fact]
    public async Task Of_a_serial_whose_key_is_listed_no_other_key_gets_in_also_with_a_token_and_also_when_it_was_first()
    {
        using var right = new TestDevice(_server);
        using var wrong = new TestDevice(_server);
        await ExpectAsync($"SN-1 key={right.Key.Public.Fingerprint}\n");
        var token = _server.NewToken(TokenRole.Enrol, uses: 1);
        (await EnrolAsync(wrong, "SN-1", token)).Should().Be(DeviceState.Pending);
        new Audit(_server.Data, _server.Time).List(new AuditFilter(Subject: wrong.Id.ToString()), 10).Single().After.Should().Contain("SN-1 was listed with another key");
        (await EnrolAsync(right, "SN-1")).Should().Be(DeviceState.Accepted, "who waits does not keep it out");
        (await EnrolAsync(wrong, "SN-1", token)).Should().Be(DeviceState.Pending);
        using var other = new TestDevice(_server);
        (await EnrolAsync(other, "SN-9", token)).Should().Be(DeviceState.Accepted, "the token's use was not lost");
        $"{right.Key.Public.Fingerprint}".Should().StartWith($"{right.Id}");
    }

    [Fact]
    public async Task One_that_was_turned_away_or_is_in_doubt_stays_so()
    {
        using var rejected = new TestDevice(_server);
        using var accepted = new TestDevice(_server);
        using var named = new TestDevice(_server);
        await EnrolAsync(rejected, "SN-1");
        _server.Devices().Decide(rejected.Id, DeviceState.Rejected);
        await EnrolAsync(accepted, "SN-2", _server.NewToken(TokenRole.Enrol));
        (await ExpectAsync($"SN-1\nSN-2 key={named.Key.Public.Fingerprint}\n")).Waiting.Should().Be(0);
        (await EnrolAsync(rejected, "SN-1")).Should().Be(DeviceState.Rejected);
        (await EnrolAsync(named, "SN-2")).Should().Be(DeviceState.Pending, "an accepted device is never replaced");
        Expected.Count().Should().Be((2, 0));
    }

    [Fact]
    public async Task Who_came_before_the_list_waits_for_a_person_and_the_list_says_so()
    {
        using var squatter = new TestDevice(_server);
        using var late = new TestDevice(_server);
        await EnrolAsync(squatter, "SN-1");
        (await ExpectAsync("SN-1\n")).Waiting.Should().Be(1);
        (await EnrolAsync(late, "SN-1")).Should().Be(DeviceState.Pending);
        (await EnrolAsync(squatter, "SN-1")).Should().Be(DeviceState.Pending, "saying it again proves nothing");
        _server.Devices().Find(squatter.Id).State.Should().Be(DeviceState.Pending);
    }

    [Fact]
    public async Task Who_was_here_with_one_serial_is_not_let_in_by_saying_another()
    {
        using var stranger = new TestDevice(_server);
        using var right = new TestDevice(_server);
        using var named = new TestDevice(_server);
        await EnrolAsync(stranger, "X");
        await EnrolAsync(named, "Y");
        await ExpectAsync($"SN-1\nSN-2 key={named.Key.Public.Fingerprint}\n");
        (await EnrolAsync(stranger, "SN-1")).Should().Be(DeviceState.Pending);
        (await EnrolAsync(right, "SN-1")).Should().Be(DeviceState.Accepted, "nobody has used its line");
        (await EnrolAsync(named, "SN-2")).Should().Be(DeviceState.Accepted, "its key is the list's");
        _server.Devices().Find(named.Id).Serial.Should().Be("SN-2", "so that another one who says it is a conflict");
    }

    [Fact]
    public async Task A_factory_of_listed_devices_behind_one_address_is_not_held_up_and_strangers_are()
    {
        _server.Options = _server.Options with { MaxStrangers = 1 };
        await _server.RestartAsync();
        await ExpectAsync("SN-1\nSN-2\nSN-3\n");
        foreach (var serial in new[] { "SN-1", "SN-2", "SN-3" })
        {
            using var device = new TestDevice(_server);
            (await EnrolAsync(device, serial)).Should().Be(DeviceState.Accepted);
        }
        using var stranger = new TestDevice(_server);
        using var another = new TestDevice(_server);
        (await EnrolAsync(stranger, "SN-1")).Should().Be(DeviceState.Pending);
        (await SendAsync(another, "SN-2", null)).StatusCode.Should().Be(HttpStatusCode.TooManyRequests);
    }

    [Theory]
    [InlineData("SN-1\nSN-2\nSN-1\n", "line 3: serial SN-1 stands in line 1 already")]
    [InlineData("SN-1\n\nSN/2\n", "line 3: a serial has")]
    [InlineData("SN-1\nSN\\2\n", "line 2: a serial has")]
    [InlineData("..\n", "line 1: a serial has")]
    [InlineData("SN-1\nSN\u00012\n", "line 2: control characters")]
    [InlineData("SN-1\nSN\u202e2\n", "line 2: control characters")]
    [InlineData("SN-1 key=abc\n", "line 1: a key's SHA-256")]
    [InlineData("SN-1 group=no\n", "line 1: no group no")]
    [InlineData("SN-1 group=a/b\n", "line 1: 'a/b' is no group's name")]
    [InlineData("SN-1 label.a/b=c\n", "line 1: a label is")]
    [InlineData("SN-1 label.a=b label.a=c\n", "line 1: 'label.a=c' says a thing twice")]
    [InlineData("SN-1 site=berlin\n", "line 1: 'site=berlin' is none of")]
    [InlineData("# nothing\n", "no device in this list")]
    public async Task A_list_that_is_wrong_anywhere_is_refused_by_line_and_leaves_nothing(string list, string said)
    {
        var problem = await (await _server.SendAsync(HttpMethod.Post, Routes.Expected, Body(list), _server.Admin)).ShouldBeProblemAsync(ProblemCode.BadRequest);
        problem.Detail.Should().StartWith(said);
        await File.WriteAllTextAsync(_server["list"], list);
        var refused = await ServerCommand.RunAsync("--data", _server.DataPath, "device", "expect", _server["list"]);
        refused.Exit.Should().NotBe(0);
        refused.Error.Should().Contain(said);
        Expected.List(isUnused: false, 10).Should().BeEmpty();
        new Audit(_server.Data, _server.Time).List(new AuditFilter(Verb: "device.expect"), 10).Should().BeEmpty();
    }

    [Fact]
    public async Task A_list_of_the_most_lines_is_taken_and_a_longer_one_is_not()
    {
        var lines = string.Concat(Enumerable.Range(1, ExpectedList.MaxLines - 1).Select(i => $"SN-{i:D6}\n"));
        (await ExpectAsync(lines)).Added.Should().Be(ExpectedList.MaxLines - 1);
        (await ExpectAsync(lines + "SN-X")).Should().Be(new ExpectedAnswer(1, ExpectedList.MaxLines - 1, 0), "a list may come twice");
        (await (await _server.SendAsync(HttpMethod.Post, Routes.Expected, Body(lines + "\n\n"), _server.Admin)).ShouldBeProblemAsync(ProblemCode.BadRequest)).Detail.Should().Contain("more than 100000 lines");
        (await ServerCommand.DoAsync("device", "expected", "--server", _server.Url, "--token", _server.Admin)).Out.Split('\n').Count(l => l.StartsWith("SN-", StringComparison.Ordinal)).Should().Be(ExpectedList.MaxLines);
    }

    [Fact]
    public async Task What_was_said_of_a_serial_is_said_otherwise_only_after_it_was_taken_back()
    {
        using var device = new TestDevice(_server);
        await ExpectAsync("SN-1\nSN-2\n");
        var other = $"SN-3\nSN-1 key={device.Key.Public.Fingerprint}\n";
        (await (await _server.SendAsync(HttpMethod.Post, Routes.Expected, Body(other), _server.Admin)).ShouldBeProblemAsync(ProblemCode.BadRequest)).Detail.Should().StartWith("line 2: serial SN-1 is known already");
        Expected.Count().Should().Be((2, 0));
        await ServerCommand.DoAsync("device", "unexpect", "SN-1", "--server", _server.Url, "--token", _server.Admin);
        (await ExpectAsync(other)).Added.Should().Be(2);
        await EnrolAsync(device, "SN-1");
        await ServerCommand.DoAsync("device", "unexpect", "--unused", "--server", _server.Url, "--token", _server.Admin);
        Expected.List(isUnused: false, 10).Should().ContainSingle().Which.Device.Should().Be(device.Id);
        await ServerCommand.DoAsync("--data", _server.DataPath, "device", "unexpect", "SN-1");
        _server.Devices().Find(device.Id).State.Should().Be(DeviceState.Accepted);
        (await ServerCommand.RunAsync("--data", _server.DataPath, "device", "unexpect", "SN-1")).Exit.Should().Be((int)ExitCode.NotFound);
        (await ServerCommand.RunAsync("--data", _server.DataPath, "device", "unexpect")).Exit.Should().Be((int)ExitCode.Usage);
    }

    [Fact]
    public async Task In_the_browser_a_list_is_expected_and_taken_back_and_a_wrong_one_stays_in_its_field()
    {
        using var client = await PageClient.LogInAsync(_server, TokenRole.Operator);
        await client.ReadAsync("/approvals");
        var refused = await client.PostAsync("/approvals/expect", ("list", "SN-1\nSN-1<b>/\n"));
        refused.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        (await refused.Content.ReadAsStringAsync()).Should().Contain("line 2: a serial has").And.Contain("SN-1&lt;b&gt;/").And.NotContain("<b>");
        Expected.Count().Should().Be((0, 0));
        (await client.DoAsync("/approvals/expect", ("list", "SN-1\nSN-2\n"))).Should().Contain("2 devices expected").And.Contain("<code>SN-2</code>");
        (await client.DoAsync("/approvals/unexpect", ("serial", "SN-2"))).Should().Contain("1 serial expected no more").And.Contain("<code>SN-1</code>").And.NotContain("<code>SN-2</code>");
        new Audit(_server.Data, _server.Time).List(new AuditFilter(Actor: "user ada"), 10).Select(e => e.Verb).Should().Contain(["device.expect", "device.unexpect"]);
        using var viewer = await PageClient.LogInAsync(_server, TokenRole.Viewer, "bob");
        (await viewer.ReadAsync("/approvals")).Should().Contain("<code>SN-1</code>").And.NotContain("/approvals/expect");
        await viewer.PostAsync("/approvals/expect", ("list", "SN-7\n"));
        Expected.Count().Should().Be((1, 0));
    }

    private async Task<ExpectedAnswer> ExpectAsync(string list) =>
        (await (await _server.SendAsync(HttpMethod.Post, Routes.Expected, Body(list), _server.Admin)).EnsureSuccessStatusCode().Content.ReadFromJsonAsync(ProtocolJson.Default.ExpectedAnswer))!;

    private static StringContent Body(string list) => new(list, Encoding.UTF8, "text/plain");

    private static async Task<DeviceState> EnrolAsync(TestDevice device, string serial, string? token = null) =>
        (await (await SendAsync(device, serial, token)).EnsureSuccessStatusCode().Content.ReadFromJsonAsync(ProtocolJson.Default.EnrolAnswer))!.State;

    private static Task<HttpResponseMessage> SendAsync(TestDevice device, string serial, string? token) => device.SendAsync(
        Routes.Enrol, new EnrolRequest(device.Key.Public.Pem, "lab", "scope-2", "x86_64", BranchName.Parse("stable"), token, serial), ProtocolJson.Default.EnrolRequest);
}
