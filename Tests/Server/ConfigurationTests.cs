using System.Net;
using System.Text;
using System.Text.Json;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>What is said of the fleet, groups and devices, what follows from it for a device, and that it hears of it and nobody else.</summary>
public sealed class ConfigurationTests : IAsyncLifetime, IDisposable
{
    private const string Secret = "correct horse battery staple";

    private static readonly ConfigurationScope Fleet = new ConfigurationScope.Fleet();

    private TestServer _server = null!;
    private TestDevice _device = null!;

    private ConfigurationChanges Changes => new(_server.Data, _server.Data.OpenDatabase(), _server.Time);

    private ConfigurationScope Device => new ConfigurationScope.Device(_device.Id);

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        _server.Publish();
        _device = new TestDevice(_server);
        (await _device.EnrolAsync(_server.NewToken(TokenRole.Enrol))).EnsureSuccessStatusCode();
        Define("network.ntp");
        Define("port", "integer");
        Define("wifi.password", isSecret: true);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _device.Dispose();

    [Fact]
    public async Task A_devices_own_value_wins_then_its_first_groups_then_the_fleets()
    {
        var groups = new Groups(_server.Data.OpenDatabase(), _server.Time);
        foreach (var (name, rank) in new[] { ("a-late", 200L), ("b-early", 50L) })
        {
            groups.Set(GroupName.Parse(name), rank, "hardware==scope-2");
            Set(Scope($"group:{name}"), ("network.ntp", name));
        }
        Set(Fleet, ("network.ntp", "fleet"), ("port", "80"));
        (await ShownAsync()).Should().Equal("network.ntp=b-early of group:b-early", "port=80 of fleet");
        Set(Device, ("network.ntp", "own"));
        (await ShownAsync()).Should().Equal("network.ntp=own of device:" + _device.Id, "port=80 of fleet");
        Set(Device, ("network.ntp", null));
        groups.Remove(GroupName.Parse("b-early"));
        (await ShownAsync()).Should().Equal("network.ntp=a-late of group:a-late", "port=80 of fleet");
        (await PolledAsync())!.Values.Select(v => $"{v.Key}={v.Value.Text}").Should().BeEquivalentTo("network.ntp=a-late", "port=80");
    }

    [Theory]
    [InlineData("text", "", true)]
    [InlineData("text", "two\nlines\tand Ünïcode", true)]
    [InlineData("text", "a\rb", false)]
    [InlineData("text", "a\0b", false)]
    [InlineData("text", "a\u001bb", false)]
    [InlineData("integer", "0", true)]
    [InlineData("integer", "-9007199254740991", true)]
    [InlineData("integer", "9007199254740992", false)]
    [InlineData("integer", "007", false)]
    [InlineData("integer", "+7", false)]
    [InlineData("integer", "-0", false)]
    [InlineData("integer", "7.0", false)]
    [InlineData("integer", " 7", false)]
    [InlineData("integer", "", false)]
    [InlineData("boolean", "true", true)]
    [InlineData("boolean", "True", false)]
    [InlineData("boolean", "1", false)]
    [InlineData("json", "{\"a\":[1,2.5,null]}", true)]
    [InlineData("json", "{\"a\":}", false)]
    [InlineData("json", "1 2", false)]
    [InlineData("json", "", false)]
    public void A_value_is_what_its_key_says(string type, string text, bool isOne)
    {
        Define("some.value", type);
        var set = () => Set(Fleet, ("some.value", text));
        if (isOne)
            set().Values.Single().Value.Should().Be(text);
        else
            set.Should().Throw<FormatException>().WithMessage("some.value: *");
    }

    [Fact]
    public void What_is_too_long_too_deep_or_too_much_is_refused()
    {
        Define("deep", "json");
        var set = (string key, string text) => () => Set(Fleet, (key, text));
        set("network.ntp", new string('x', ConfigurationValue.MaxBytes)).Should().NotThrow();
        set("network.ntp", "\ud800").Should().Throw<FormatException>().WithMessage("*surrogate*");
        set("network.ntp", new string('ü', ConfigurationValue.MaxBytes / 2 + 1)).Should().Throw<FormatException>().WithMessage("*longer than 4096 bytes*");
        set("deep", new string('[', 17) + new string(']', 17)).Should().Throw<FormatException>();
        foreach (var i in Enumerable.Range(0, 12))
        {
            Define($"long{i}");
            Set(Fleet, ($"long{i}", new string('x', ConfigurationValue.MaxBytes)));
        }
        Define("last");
        var more = () => Set(Device, ("last", new string('x', ConfigurationValue.MaxBytes)));
        more.Should().Throw<FormatException>().WithMessage("*more than 57344*");
        foreach (var i in Enumerable.Range(0, ConfigurationStatement.MaxValues - Changes.Keys().Count))
            Define($"key{i}");
        ((Action)(() => Define("one.more"))).Should().Throw<FormatException>().WithMessage("*256 keys already*");
    }

    [Fact]
    public async Task As_much_as_may_be_said_reaches_the_device()
    {
        for (var i = 0; i < 13; i++)
        {
            Define($"k{i}");
            Set(Fleet, ($"k{i}", new string('"', 2020)));
        }
        (await PolledAsync())!.Values.Should().HaveCount(13);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("a/b")]
    [InlineData("../a")]
    [InlineData("A")]
    [InlineData("1a")]
    [InlineData("a-b")]
    [InlineData("a__b")]
    [InlineData("_a")]
    [InlineData("a_")]
    [InlineData("a b")]
    [InlineData("ä")]
    [InlineData("a\n")]
    [InlineData("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg")]
    public void A_name_that_is_no_key_is_refused(string name)
    {
        ConfigurationKey.TryParse(name, out _).Should().BeFalse();
        ((Action)(() => Changes.Set(Fleet, new ConfigurationRequest(new Dictionary<string, string?> { [name] = "x" }), "a test"))).Should().Throw<FormatException>();
    }

    [Fact]
    public void Two_keys_never_have_one_variable()
    {
        string[] names = ["a.b", "a_b", "a.b_c", "a_b.c", "ab", "a.b.c"];
        names.Select(n => ConfigurationKey.Parse(n).Variable).Should().OnlyHaveUniqueItems().And.Contain("A__B_C");
    }

    [Fact]
    public void Values_stay_what_their_key_was_when_they_were_set()
    {
        Set(Fleet, ("network.ntp", "ntp.example.org"));
        ((Action)(() => Define("network.ntp", "integer"))).Should().Throw<ContentTree.Server.Fleet.FleetConflictException>();
        ((Action)(() => Define("network.ntp", isSecret: true))).Should().Throw<ContentTree.Server.Fleet.FleetConflictException>();
        ((Action)(() => Changes.Remove(ConfigurationKey.Parse("network.ntp")))).Should().Throw<ContentTree.Server.Fleet.FleetConflictException>();
        Changes.Define(ConfigurationKey.Parse("network.ntp"), new ConfigurationKeyRequest("text", Description: "where the time comes from")).Description.Should().Be("where the time comes from");
        Set(Fleet, ("network.ntp", null));
        Define("network.ntp", "integer");
        Changes.Remove(ConfigurationKey.Parse("network.ntp"));
        ((Action)(() => Set(Fleet, ("network.ntp", "1")))).Should().Throw<ContentTree.Store.Repositories.NotFoundException>();
    }

    [Fact]
    public void A_change_is_all_or_nothing_and_what_is_so_already_is_none()
    {
        Set(Fleet, ("port", "80")).Revision.Should().Be(1);
        ((Action)(() => Set(Fleet, ("network.ntp", "x"), ("port", "eighty")))).Should().Throw<FormatException>();
        var same = Set(Fleet, ("port", "80"), ("network.ntp", null));
        (same.Revision, same.Values.Count).Should().Be((1, 1));
        Changes.History(Fleet, 10).Changes.Should().ContainSingle();
    }

    [Fact]
    public void The_history_says_what_was_and_an_earlier_revision_is_brought_back()
    {
        Set(Fleet, ("port", "80"), ("network.ntp", "one"));
        Set(Fleet, ("port", "443"));
        Set(Fleet, ("network.ntp", null));
        var back = Revert(1);
        (back.Revision, string.Join(',', back.Values.Select(v => v.Value))).Should().Be((4, "one,80"));
        Revert(0).Values.Should().BeEmpty();
        Changes.History(Fleet, 100).Changes.Select(c => $"{c.Revision} {c.Key} {c.Before}>{c.After} {c.Reason}").Should().Equal(
            "5 network.ntp one> back to revision 0", "5 port 80> back to revision 0", "4 network.ntp >one back to revision 1", "4 port 443>80 back to revision 1",
            "3 network.ntp one> ", "2 port 80>443 ", "1 network.ntp >one ", "1 port >80 ");
        var page = Changes.History(Fleet, 1);
        page.Changes.Should().HaveCount(2, "a change is shown whole");
        Changes.History(Fleet, 100, long.Parse(page.Cursor!)).Changes.Should().HaveCount(6);
        ((Action)(() => Revert(6))).Should().Throw<ContentTree.Store.Repositories.NotFoundException>();
    }

    [Fact]
    public void A_revert_names_the_secrets_that_it_cannot_bring_back_and_leaves_the_others()
    {
        Set(Fleet, ("wifi.password", "one"));
        Set(Fleet, ("wifi.password", "two"), ("port", "80"));
        Revert(1).Should().Match<ConfigurationInfo>(i => i.Lost == null && i.Values.Count == 1);
        Set(Fleet, ("wifi.password", null));
        Revert(1).Lost.Should().Equal("wifi.password");
    }

    [Fact]
    public async Task Of_two_who_edit_the_same_the_second_one_is_told()
    {
        var route = Routes.ConfigurationOf("fleet");
        var made = await SendAsync(HttpMethod.Put, route, "{\"values\":{\"port\":\"1\"}}", ("If-None-Match", "*"));
        var seen = made.Headers.ETag!.ToString();
        (await SendAsync(HttpMethod.Get, route)).Headers.ETag!.ToString().Should().Be(seen);
        await (await SendAsync(HttpMethod.Put, route, "{\"values\":{\"port\":\"2\"}}", ("If-None-Match", "*"))).ShouldBeProblemAsync(ProblemCode.Changed);
        (await SendAsync(HttpMethod.Put, route, "{\"values\":{\"port\":\"2\"}}", ("If-Match", seen))).StatusCode.Should().Be(HttpStatusCode.OK);
        await (await SendAsync(HttpMethod.Put, route, "{\"values\":{\"port\":\"3\"}}", ("If-Match", seen))).ShouldBeProblemAsync(ProblemCode.Changed);
        await (await SendAsync(HttpMethod.Post, Routes.ConfigurationHistoryOf("fleet"), "{\"revision\":0}", ("If-Match", seen))).ShouldBeProblemAsync(ProblemCode.Changed);
        Changes.Show(Fleet).Values.Single().Value.Should().Be("2");
    }

    [Fact]
    public void A_preview_counts_those_for_whom_nothing_more_was_said()
    {
        Preview(Fleet, ("port", "80")).Should().Be(new ConfigurationOutlook(1, 1));
        Set(Device, ("port", "8080"));
        Preview(Fleet, ("port", "80")).Should().Be(new ConfigurationOutlook(1, 0));
        Preview(Fleet, ("port", "80"), ("network.ntp", "x")).Should().Be(new ConfigurationOutlook(1, 1));
        Preview(Device, ("port", "8080")).Changed.Should().Be(0);
        Changes.Show(Fleet).Revision.Should().Be(0, "nothing was changed");
    }

    [Fact]
    public async Task A_device_hears_of_a_change_once_and_what_it_says_is_shown()
    {
        (await PolledAsync()).Should().BeNull("nothing was ever said");
        Set(Fleet, ("port", "80"));
        var told = (await PolledAsync())!;
        told.Device.Should().Be(_device.Id);
        (await ShowAsync()).Should().Match<DeviceConfiguration>(c => c.Pending && c.Told == told.Counter && c.Applied == 0);
        (await PolledAsync(told.Counter, applied: 0)).Should().BeNull();
        (await ShowAsync()).Pending.Should().BeTrue("it has it, and not in place");
        (await PolledAsync(told.Counter)).Should().BeNull();
        var since = (await ShowAsync()).AppliedAt!.Value;
        _server.Time.Ahead += TimeSpan.FromMinutes(5);
        (await PolledAsync(told.Counter)).Should().BeNull();
        (await ShowAsync()).Should().Match<DeviceConfiguration>(c => !c.Pending && c.Applied == told.Counter && c.AppliedAt == since);
        Set(Fleet, ("port", null));
        var empty = (await PolledAsync(told.Counter))!;
        empty.Counter.Should().BeGreaterThan(told.Counter);
        empty.Values.Should().BeEmpty("what is said of nobody any more is taken away there");
    }

    [Fact]
    public async Task One_that_lost_what_it_had_is_told_the_same_again_and_one_that_has_more_than_is_known_here_a_later_one()
    {
        Set(Fleet, ("port", "80"));
        var told = (await PolledAsync())!;
        var again = (await PolledAsync())!;
        again.Envelope.SignedBytes.ToArray().Should().Equal(told.Envelope.SignedBytes.ToArray());
        (await PolledAsync(told.Counter + 1000))!.Counter.Should().BeGreaterThan(told.Counter + 1000, "a database that was lost had signed it");
        (await PolledAsync((1L << 53) - 1)).Should().BeNull("no server of these keys can have come to that, so there is nothing that the device would take");
    }

    [Fact]
    public async Task Nobody_but_an_accepted_device_is_told_and_each_only_its_own()
    {
        Set(Fleet, ("port", "80"));
        Set(Device, ("wifi.password", Secret));
        using var other = new TestDevice(_server);
        (await other.EnrolAsync()).EnsureSuccessStatusCode();
        (await AnswerAsync(other)).Configuration.Should().BeNull("it waits");
        _server.Devices().Decide(other.Id, DeviceState.Accepted);
        var told = _server.Data.Trust.Load().VerifyConfiguration((await AnswerAsync(other)).Configuration!.Bytes.Span);
        told.Device.Should().Be(other.Id);
        told.Values.Keys.Select(k => $"{k}").Should().Equal("port");
        _server.Devices().Decide(other.Id, DeviceState.Rejected);
        (await AnswerAsync(other)).Configuration.Should().BeNull("it was turned away");
        _server.Devices().Remove(_device.Id);
        (await _device.PollAsync()).StatusCode.Should().NotBe(HttpStatusCode.OK, "it is gone");
        using var connection = _server.Data.OpenDatabase().Connect();
        ConfigurationBook.Of(connection, Device).Should().BeEmpty("whoever comes with that key is another");
        Changes.History(Device, 10).Changes[0].Should().Match<ConfigurationChangeInfo>(c => c.Secret && !c.IsSet);
    }

    [Fact]
    public async Task Secrets_are_in_no_answer_and_no_file()
    {
        const string Route = "{\"values\":{\"wifi.password\":\"" + Secret + "\"},\"reason\":\"new shop\"}";
        foreach (var scope in new[] { "fleet", $"device:{_device.Id}", "fleet" })
            (await SendAsync(HttpMethod.Put, Routes.ConfigurationOf(scope), Route)).StatusCode.Should().Be(HttpStatusCode.OK);
        (await SendAsync(HttpMethod.Post, Routes.ConfigurationHistoryOf("fleet"), "{\"revision\":0}")).EnsureSuccessStatusCode();
        (await SendAsync(HttpMethod.Put, Routes.ConfigurationOf("fleet"), Route)).EnsureSuccessStatusCode();
        var said = new StringBuilder();
        foreach (var wrong in new[] { Secret + new string('x', 5000), Secret + "\\u0001" })
            said.Append(await (await SendAsync(HttpMethod.Put, Routes.ConfigurationOf("fleet"), $"{{\"values\":{{\"wifi.password\":\"{wrong}\"}}}}")).Content.ReadAsStringAsync());
        (await PolledAsync())!.Values[ConfigurationKey.Parse("wifi.password")].Text.Should().Be(Secret, "its device alone hears it");

        foreach (var route in RouteTable.ForPeople.Where(r => r.Method == "GET" && !r.Pattern.Contains("backup", StringComparison.Ordinal)))
        {
            foreach (var scope in new[] { "fleet", $"device:{_device.Id}" })
                said.Append(await (await SendAsync(HttpMethod.Get, route.Pattern.Replace("{id}", $"{_device.Id}", StringComparison.Ordinal).Replace("{**scope}", scope, StringComparison.Ordinal))).Content.ReadAsStringAsync());
        }
        string[] verbs = ["config show --fleet", $"config show --device {_device.Id}", "config history --fleet", "config keys", "audit list", $"device show {_device.Id}"];
        foreach (var verb in verbs)
        {
            foreach (var form in new[] { verb, verb + " --json" })
            {
                var result = await ServerCommand.DoAsync(["--data", _server.DataPath, .. form.Split(' ')]);
                said.Append(result.Out + result.Error);
            }
        }

        said.ToString().Should().Contain("wifi.password").And.Contain("new shop").And.NotContain("horse");
        _server.Data.OpenDatabase().CopyTo(_server["copy.db"]);
        foreach (var file in Directory.GetFiles(_server.DataPath, "*", SearchOption.AllDirectories).Append(_server["copy.db"]))
            (await ReadAsync(file)).Should().NotContain("horse", file);
    }

    [Fact]
    public async Task A_secret_that_cannot_be_opened_leaves_the_device_what_it_has()
    {
        Set(Fleet, ("wifi.password", Secret), ("port", "80"));
        var key = Path.Combine(_server.DataPath, "online-keys/secrets.pem");
        Shell.Run($"stat -c %a '{key}'").Should().Be("600\n");
        File.Delete(key);
        (await PolledAsync()).Should().BeNull();
        Set(Fleet, ("wifi.password", "another"));
        (await PolledAsync())!.Values.Values.Select(v => v.Text).Should().BeEquivalentTo("another", "80");
    }

    [Fact]
    public void A_secret_that_is_moved_within_the_database_cannot_be_opened()
    {
        var box = new SecretBox(_server.Data);
        var (one, other) = (ConfigurationKey.Parse("wifi.password"), ConfigurationKey.Parse("wifi.other"));
        var closed = box.Close(Secret, Device, one);
        box.Open(closed, Device, one).Should().Be(Secret);
        closed.Should().NotBe(box.Close(Secret, Device, one));
        foreach (var (scope, key) in new (ConfigurationScope, ConfigurationKey)[] { (Fleet, one), (Device, other) })
            ((Action)(() => box.Open(closed, scope, key))).Should().Throw<FormatException>();
    }

    [Fact]
    public async Task The_verbs_do_the_same_here_and_on_a_server()
    {
        string[][] wheres = [["--data", _server.DataPath], ["--server", _server.Url, "--token", _server.Admin]];
        var file = _server["password"];
        await File.WriteAllTextAsync(file, Secret + "\n");
        foreach (var where in wheres)
        {
            Task<ServerCommand> Do(string line) => ServerCommand.RunAsync([.. line.Split(' '), .. where]);
            (await Do("config keys define site.name --type text --description where")).Out.Should().Be("site.name text\n");
            (await Do("config set site.name=Ulm --fleet --preview")).Out.Should().Be("1 of 1 devices would get other values\n");
            (await Do($"config set site.name=Ulm --from wifi.password={file} --fleet --reason opening")).Out.Should().MatchRegex("^fleet revision [0-9]+\n$");
            (await Do($"config set site.name=Bonn --device {_device.Id}")).Exit.Should().Be(0);
            (await Do($"config show --device {_device.Id}")).Out.Should().Contain("Bonn").And.Contain($"device:{_device.Id}").And.Contain("(secret)");
            (await Do("config show --fleet")).Out.Should().Contain("Ulm").And.Contain("opening").And.NotContain("horse");
            (await Do("config history --fleet")).Out.Should().MatchRegex("site.name +- +Ulm +opening");
            (await Do($"config unset site.name --device {_device.Id}")).Exit.Should().Be(0);
            (await Do("config unset site.name wifi.password --fleet")).Exit.Should().Be(0);
            (await Do("config keys remove site.name")).Exit.Should().Be(0);
            (await Do("config set site.name=Ulm --fleet")).Exit.Should().Be(17);
            (await Do("config set port=x --fleet")).Should().Match<ServerCommand>(r => r.Exit != 0 && r.Error.Contains("no integer", StringComparison.Ordinal));
            (await Do("config show")).Exit.Should().Be(2);
            (await Do("config show --group none")).Exit.Should().Be(17);
        }
        (await ServerCommand.DoAsync("--data", _server.DataPath, "audit", "list")).Out.Should().Contain("config.set").And.Contain("config.define").And.Contain("wifi.password set, secret").And.Contain("site.name=Ulm");
    }

    private void Define(string name, string type = "text", bool isSecret = false) => Changes.Define(ConfigurationKey.Parse(name), new ConfigurationKeyRequest(type, isSecret));

    private static ConfigurationScope Scope(string text) => ConfigurationScope.Parse(text);

    private static ConfigurationRequest Request(params (string Key, string? Text)[] values) => new(values.ToDictionary(v => v.Key, v => v.Text));

    private ConfigurationInfo Set(ConfigurationScope scope, params (string Key, string? Text)[] values) => Changes.Set(scope, Request(values), "a test").After;

    private ConfigurationInfo Revert(long revision) => Changes.Revert(Fleet, new ConfigurationRevertRequest(revision), "a test").After;

    private ConfigurationOutlook Preview(ConfigurationScope scope, params (string Key, string? Text)[] values) => Changes.Preview(scope, Request(values));

    private async Task<DeviceConfiguration> ShowAsync()
    {
        using var answer = await SendAsync(HttpMethod.Get, Routes.DeviceConfiguration(_device.Id));
        return JsonSerializer.Deserialize(await answer.Content.ReadAsByteArrayAsync(), ProtocolJson.Default.DeviceConfiguration)!;
    }

    private async Task<IEnumerable<string>> ShownAsync() => (await ShowAsync()).Values.Select(v => $"{v.Key}={v.Value} of {v.Origin}");

    private async Task<VerifiedConfiguration?> PolledAsync(long? known = null, long? applied = null) =>
        (await AnswerAsync(_device, known, applied)).Configuration is { } told ? _server.Data.Trust.Load().VerifyConfiguration(told.Bytes.Span) : null;

    private static async Task<PollAnswer> AnswerAsync(TestDevice device, long? known = null, long? applied = null)
    {
        using var answer = await device.PollAsync(new PollRequest(BranchName.Parse("stable"), "good", 1, 0, Configuration: known, Applied: applied));
        return JsonSerializer.Deserialize((await answer.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync()), ProtocolJson.Default.PollAnswer)!;
    }

    private Task<HttpResponseMessage> SendAsync(HttpMethod method, string route, string? body = null, (string Name, string Value)? header = null)
    {
        var request = new HttpRequestMessage(method, route) { Content = body is null ? null : new StringContent(body) };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {_server.Admin}");
        if (header is var (name, value))
            request.Headers.TryAddWithoutValidation(name, value);
        return _server.Http.SendAsync(request);
    }

    private static async Task<string> ReadAsync(string file)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync();
    }
}
