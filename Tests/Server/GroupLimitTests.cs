using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Transfers;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Server;

/// <summary>Tokens that are limited to groups: what they see and steer, and what they do not.</summary>
public sealed class GroupLimitTests : IAsyncLifetime
{
    private readonly List<TestDevice> _devices = [];
    private TestServer _server = null!;
    private ObjectId _commit;
    private string _token = "";

    private Groups Groups => new(_server.Data.OpenDatabase(), _server.Time);

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        _commit = _server.Publish().Commit;
        foreach (var group in new[] { "lab", "field" })
        {
            Groups.Set(GroupName.Parse(group), null, "");
            var device = new TestDevice(_server);
            _devices.Add(device);
            (await device.EnrolAsync(_server.NewToken(TokenRole.Enrol), name: $"{group}-1")).EnsureSuccessStatusCode();
            (await device.PollAsync()).EnsureSuccessStatusCode();
            Groups.List(GroupName.Parse(group), device.Id, isListed: true);
        }
        _token = (await ServerCommand.DoAsync("--data", _server.DataPath, "token", "create", "--role", "approver", "--group", "lab")).LastLine;
    }

    public async Task DisposeAsync()
    {
        _devices.ForEach(d => d.Dispose());
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Only_what_is_of_its_groups_is_seen()
    {
        foreach (var scope in new[] { "group:lab", "group:field", "branch:stable" })
            _server.Policies().Set(ContentTree.Server.Fleet.Policies.PolicyScope.Parse(scope), new PolicyRequest("hold"), new Actor("a test"));
        (await ReadAsync(Routes.Devices, ProtocolJson.Default.DeviceList)).Devices.Select(d => d.Name).Should().Equal("lab-1");
        foreach (var filter in new[] { "group==field", "name==field-1 or name==lab-1", "not name==nobody", "id==0 or group~*" })
            (await ReadAsync($"{Routes.Devices}?q={Uri.EscapeDataString(filter)}", ProtocolJson.Default.DeviceList)).Devices.Should().NotContain(d => d.Name == "field-1", filter);
        (await ReadAsync(Routes.Groups, ProtocolJson.Default.GroupList)).Groups.Select(g => g.Name).Should().Equal("lab");
        (await ReadAsync(Routes.Policies, ProtocolJson.Default.PolicyList)).Policies.Select(p => p.Scope).Should().Equal("group:lab");
        foreach (var (path, status) in new[]
        {
            ($"{Routes.Devices}/{_devices[0].Id}", HttpStatusCode.OK), ($"{Routes.Devices}/{_devices[1].Id}", HttpStatusCode.NotFound), ($"{Routes.Devices}/{_devices[1].Id}/blackboxes", HttpStatusCode.NotFound),
            ($"{Routes.Groups}/lab", HttpStatusCode.OK), ($"{Routes.Groups}/field", HttpStatusCode.NotFound), ($"{Routes.Policies}/group:field", HttpStatusCode.Forbidden), ($"{Routes.Policies}/device:{_devices[1].Id}", HttpStatusCode.Forbidden),
            ("/metrics", HttpStatusCode.Forbidden), (Routes.Audit, HttpStatusCode.Forbidden), (Routes.Branches, HttpStatusCode.Forbidden),
        })
        {
            (await _server.SendAsync(HttpMethod.Get, path, token: _token)).StatusCode.Should().Be(status, path);
        }
    }

    [Fact]
    public async Task Configuration_limits_of_downloads_and_exports_are_read_of_its_groups_only()
    {
        var configuration = new ConfigurationChanges(_server.Data, _server.Data.OpenDatabase(), _server.Time);
        configuration.Define(ConfigurationKey.Parse("motto"), new ConfigurationKeyRequest("text", false, null));
        configuration.Define(ConfigurationKey.Parse("password"), new ConfigurationKeyRequest("text", true, null));
        var transfers = new TransferBook(_server.Data.OpenDatabase(), _server.Time);
        foreach (var scope in new[] { "fleet", "group:lab", "group:field", $"device:{_devices[0].Id}", $"device:{_devices[1].Id}" })
        {
            configuration.Set(ConfigurationScope.Parse(scope), new ConfigurationRequest(new Dictionary<string, string?> { ["motto"] = $"motto of {scope}", ["password"] = "hush" }, "x"), "a test");
            transfers.Set(scope, new TransferPolicy(1000, null, null), "a test");
        }
        (await ReadAsync(Routes.ConfigurationKeys, ProtocolJson.Default.ConfigurationKeyList)).Keys.Should().HaveCount(2).And.OnlyContain(k => !k.Fleet && k.Overrides == 0);
        foreach (var (scope, status) in new[]
        {
            ("group:lab", HttpStatusCode.OK), ($"device:{_devices[0].Id}", HttpStatusCode.OK), ("fleet", HttpStatusCode.Forbidden), ("group:field", HttpStatusCode.Forbidden), ($"device:{_devices[1].Id}", HttpStatusCode.Forbidden),
        })
        {
            foreach (var route in new[] { Routes.ConfigurationOf(scope), Routes.ConfigurationHistoryOf(scope) })
            {
                var answer = await _server.SendAsync(HttpMethod.Get, route, token: _token);
                answer.StatusCode.Should().Be(status, route);
                (await answer.Content.ReadAsStringAsync()).Should().NotContain("hush", route);
            }
            (await SendAsync(HttpMethod.Put, Routes.ConfigurationOf(scope), new ConfigurationRequest(new Dictionary<string, string?> { ["motto"] = "x" }, "x"), ProtocolJson.Default.ConfigurationRequest)).StatusCode.Should().Be(HttpStatusCode.Forbidden, "it reads");
        }
        (await ReadAsync(Routes.DeviceConfiguration(_devices[0].Id), ProtocolJson.Default.DeviceConfiguration)).Values.Should().Contain(v => v.Value == $"motto of device:{_devices[0].Id}");
        (await _server.SendAsync(HttpMethod.Get, Routes.DeviceConfiguration(_devices[1].Id), token: _token)).StatusCode.Should().Be(HttpStatusCode.NotFound);
        (await ReadAsync(Routes.Transfers, ProtocolJson.Default.TransferList)).Transfers.Select(t => t.Scope).Should().BeEquivalentTo("group:lab", $"device:{_devices[0].Id}");
        foreach (var kind in new[] { "prometheus", "nagios", "icinga2" })
        {
            foreach (var filter in new[] { "", "?q=" + Uri.EscapeDataString("name==field-1 or name~*") })
                (await (await _server.SendAsync(HttpMethod.Get, $"{Routes.Monitoring}/{kind}{filter}", token: _token)).EnsureSuccessStatusCode().Content.ReadAsStringAsync()).Should().Contain("lab-1", kind).And.NotContain("field-1", kind).And.NotContain($"{_devices[1].Id}", kind);
        }
        (await _server.SendAsync(HttpMethod.Get, $"{Routes.Monitoring}/rules", token: _token)).StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Only_what_is_of_its_groups_is_steered()
    {
        var hold = new PolicyRequest("hold");
        foreach (var (scope, isAllowed) in new[] { ("group:lab", true), ($"device:{_devices[0].Id}", true), ("group:field", false), ($"device:{_devices[1].Id}", false), ("branch:stable", false) })
        {
            (await SendAsync(HttpMethod.Put, $"{Routes.Policies}/{scope}", hold, ProtocolJson.Default.PolicyRequest)).StatusCode.Should().Be(isAllowed ? HttpStatusCode.OK : HttpStatusCode.Forbidden, scope);
            (await SendAsync(HttpMethod.Post, $"{Routes.Policies}/{scope}", hold, ProtocolJson.Default.PolicyRequest)).StatusCode.Should().Be(isAllowed ? HttpStatusCode.OK : HttpStatusCode.Forbidden, scope);
            (await _server.SendAsync(HttpMethod.Delete, $"{Routes.Policies}/{scope}", token: _token)).StatusCode.Should().Be(isAllowed ? HttpStatusCode.NoContent : HttpStatusCode.Forbidden, scope);
        }
        foreach (var (verb, content) in new[] { ("reject", (HttpContent?)null), ("accept", null), ("assignment", JsonContent.Create(new AssignmentRequest("hold"), ProtocolJson.Default.AssignmentRequest)) })
        {
            (await _server.SendAsync(HttpMethod.Post, $"{Routes.Devices}/{_devices[1].Id}/{verb}", content, _token)).StatusCode.Should().Be(HttpStatusCode.NotFound, verb);
            (await _server.SendAsync(HttpMethod.Post, $"{Routes.Devices}/{_devices[0].Id}/{verb}", verb == "assignment" ? JsonContent.Create(new AssignmentRequest("hold"), ProtocolJson.Default.AssignmentRequest) : null, _token)).StatusCode.Should().Be(HttpStatusCode.OK, verb);
        }
        // Who could bring devices into the group would steer them all.
        (await _server.SendAsync(HttpMethod.Put, $"{Routes.Groups}/lab/devices/{_devices[1].Id}", token: _token)).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await SendAsync(HttpMethod.Put, $"{Routes.Groups}/lab", new GroupRequest(Filter: "name~*"), ProtocolJson.Default.GroupRequest)).StatusCode.Should().Be(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Rollouts_of_other_scopes_are_not_there_for_it()
    {
        RolloutPlan plan = new([new RolloutWave(100)]);
        foreach (var (scope, status) in new[] { ("group:field", HttpStatusCode.Forbidden), ("branch:stable", HttpStatusCode.Forbidden), ("group:lab", HttpStatusCode.OK) })
            (await SendAsync(HttpMethod.Post, Routes.Rollouts, new RolloutRequest(scope, $"{_commit}", plan), ProtocolJson.Default.RolloutRequest)).StatusCode.Should().Be(status, scope);
        using var request = new HttpRequestMessage(HttpMethod.Post, Routes.Rollouts) { Content = JsonContent.Create(new RolloutRequest("group:field", $"{_commit}", plan), ProtocolJson.Default.RolloutRequest) };
        request.Headers.Authorization = new("Bearer", _server.Admin);
        var other = JsonSerializer.Deserialize(await (await _server.Http.SendAsync(request)).EnsureSuccessStatusCode().Content.ReadAsStringAsync(), ProtocolJson.Default.RolloutInfo)!;
        (await ReadAsync(Routes.Rollouts, ProtocolJson.Default.RolloutList)).Rollouts.Select(r => r.Scope).Should().Equal("group:lab");
        foreach (var path in new[] { "", "/devices" })
            (await _server.SendAsync(HttpMethod.Get, $"{Routes.Rollouts}/{other.Id}{path}", token: _token)).StatusCode.Should().Be(HttpStatusCode.NotFound);
        foreach (var step in new[] { "pause", "approve", "abort" })
            (await SendAsync(HttpMethod.Post, $"{Routes.Rollouts}/{other.Id}/{step}", new RolloutStepRequest(), ProtocolJson.Default.RolloutStepRequest)).StatusCode.Should().Be(HttpStatusCode.NotFound, step);
    }

    [Fact]
    public async Task Devices_of_other_groups_are_not_named_beside_its_own()
    {
        Groups.List(GroupName.Parse("lab"), _devices[1].Id, isListed: true);
        _server.Data.OpenDatabase().Connect().Execute("UPDATE devices SET serial = 'SN-1'");
        var started = await SendAsync(HttpMethod.Post, Routes.Rollouts, new RolloutRequest("group:lab", $"{_commit}", new RolloutPlan([new RolloutWave(100)])), ProtocolJson.Default.RolloutRequest);
        var rollout = JsonSerializer.Deserialize(await started.EnsureSuccessStatusCode().Content.ReadAsStringAsync(), ProtocolJson.Default.RolloutInfo)!;
        foreach (var device in _devices)
            (await device.PollAsync()).EnsureSuccessStatusCode();
        (await ConflictsAsync(_token)).Should().Equal(_devices[1].Id);
        (await ReadAsync($"{Routes.Rollouts}/{rollout.Id}/devices", ProtocolJson.Default.RolloutDeviceList)).Devices.Select(d => d.Name).Should().BeEquivalentTo("lab-1", "field-1");

        Groups.List(GroupName.Parse("lab"), _devices[1].Id, isListed: false);

        (await ConflictsAsync(_token)).Should().BeEmpty();
        (await ReadAsync(Routes.Devices, ProtocolJson.Default.DeviceList)).Devices.Should().ContainSingle().Which.Conflicts.Should().BeNull();
        (await (await _server.SendAsync(HttpMethod.Post, $"{Routes.Devices}/{_devices[0].Id}/accept", token: _token)).EnsureSuccessStatusCode().Content.ReadAsStringAsync()).Should().NotContain($"{_devices[1].Id}");
        (await ReadAsync($"{Routes.Rollouts}/{rollout.Id}/devices", ProtocolJson.Default.RolloutDeviceList)).Devices.Select(d => d.Name).Should().Equal("lab-1");
        (await ConflictsAsync(_server.Admin)).Should().Equal(_devices[1].Id);
    }

    [Fact]
    public async Task A_group_that_is_removed_takes_the_limit_with_it_and_leaves_nothing_open()
    {
        Groups.Remove(GroupName.Parse("lab"));
        Groups.Set(GroupName.Parse("lab"), null, "name~*");
        (await ReadAsync(Routes.Devices, ProtocolJson.Default.DeviceList)).Devices.Should().BeEmpty("a later group of that name is another one");
        (await _server.SendAsync(HttpMethod.Get, "/metrics", token: _token)).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await ServerCommand.DoAsync("--data", _server.DataPath, "token", "list")).Out.Should().Contain("approver");
    }

    [Theory]
    [InlineData("admin", "lab")]
    [InlineData("publisher", "lab")]
    [InlineData("operator", "a b")]
    public async Task A_limit_that_makes_no_sense_is_refused(string role, string group) =>
        (await ServerCommand.RunAsync("--data", _server.DataPath, "token", "create", "--role", role, "--group", group)).Exit.Should().NotBe(0);

    [Fact]
    public async Task Of_two_who_edit_the_same_group_policy_or_plan_the_second_one_is_told()
    {
        await EditAsync(Routes.Groups + "/lab", new GroupRequest(10), new GroupRequest(20), ProtocolJson.Default.GroupRequest, isNew: false);
        await EditAsync(Routes.Policies + "/group:field", new PolicyRequest("hold"), new PolicyRequest("follow"), ProtocolJson.Default.PolicyRequest, isNew: true);
        await EditAsync(Routes.Policies + "/branch:stable", new PolicyRequest("hold"), new PolicyRequest("follow"), ProtocolJson.Default.PolicyRequest, isNew: true);
        await EditAsync(Routes.Plans + "/group:field", new RolloutPlan([new RolloutWave(100)]), new RolloutPlan([new RolloutWave(10), new RolloutWave(100)]), ProtocolJson.Default.RolloutPlan, isNew: true);
    }

    [Fact]
    public async Task Of_many_at_once_who_saw_the_same_of_a_device_one_gets_through()
    {
        var path = $"{Routes.Policies}/device:{_devices[0].Id}";
        var seen = (await EditAsync(HttpMethod.Put, path, new PolicyRequest("hold", Reason: "x"), ProtocolJson.Default.PolicyRequest, "If-None-Match", "*")).EnsureSuccessStatusCode().Headers.ETag!.Tag;
        _server.Time.Ahead += TimeSpan.FromSeconds(2);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => EditAsync(HttpMethod.Put, path, new PolicyRequest("hold", Reason: $"{i}"), ProtocolJson.Default.PolicyRequest, "If-Match", seen)));
        answers.Select(a => a.StatusCode).Order().Should().Equal([HttpStatusCode.OK, .. Enumerable.Repeat(HttpStatusCode.PreconditionFailed, 7)]);
        var said = JsonSerializer.Deserialize(await answers.Single(a => a.IsSuccessStatusCode).Content.ReadAsStringAsync(), ProtocolJson.Default.PolicyInfo)!;
        _server.Devices().Find(_devices[0].Id).Assignment!.Reason.Should().Be(said.Reason, "what was said and what was signed are the same");
        await (await EditAsync(HttpMethod.Delete, path, new PolicyRequest("hold"), ProtocolJson.Default.PolicyRequest, "If-Match", seen)).ShouldBeProblemAsync(ProblemCode.Changed);
    }

    private async Task<IReadOnlyList<KeyId>> ConflictsAsync(string token) => JsonSerializer.Deserialize(
        await (await _server.SendAsync(HttpMethod.Get, $"{Routes.Devices}/{_devices[0].Id}", token: token)).EnsureSuccessStatusCode().Content.ReadAsStringAsync(), ProtocolJson.Default.DeviceInfo)!.Conflicts ?? [];

    private async Task EditAsync<T>(string path, T first, T second, JsonTypeInfo<T> type, bool isNew)
    {
        if (isNew)
            (await EditAsync(HttpMethod.Put, path, first, type, "If-None-Match", "*")).StatusCode.Should().Be(HttpStatusCode.OK, path);
        await (await EditAsync(HttpMethod.Put, path, first, type, "If-None-Match", "*")).ShouldBeProblemAsync(ProblemCode.Changed);
        var seen = await _server.SendAsync(HttpMethod.Get, path.Replace(Routes.Plans, Routes.Policies, StringComparison.Ordinal), token: _server.Admin);
        var tag = seen.Headers.ETag!.Tag;
        _server.Time.Ahead += TimeSpan.FromSeconds(2);
        var changed = await EditAsync(HttpMethod.Put, path, second, type, "If-Match", tag);
        changed.StatusCode.Should().Be(HttpStatusCode.OK, path);
        await (await EditAsync(HttpMethod.Put, path, first, type, "If-Match", tag)).ShouldBeProblemAsync(ProblemCode.Changed);
        await (await EditAsync(HttpMethod.Delete, path, first, type, "If-Match", tag)).ShouldBeProblemAsync(ProblemCode.Changed);
        (await EditAsync(HttpMethod.Delete, path, first, type, "If-Match", changed.Headers.ETag!.Tag)).StatusCode.Should().Be(HttpStatusCode.NoContent, path);
    }

    private async Task<HttpResponseMessage> EditAsync<T>(HttpMethod method, string path, T body, JsonTypeInfo<T> type, string header, string value)
    {
        using var request = new HttpRequestMessage(method, path) { Content = method == HttpMethod.Put ? JsonContent.Create(body, type) : null };
        request.Headers.Authorization = new("Bearer", _server.Admin);
        request.Headers.TryAddWithoutValidation(header, value);
        return await _server.Http.SendAsync(request);
    }

    private Task<HttpResponseMessage> SendAsync<T>(HttpMethod method, string path, T body, JsonTypeInfo<T> type) => _server.SendAsync(method, path, JsonContent.Create(body, type), _token);

    private async Task<T> ReadAsync<T>(string path, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(await (await _server.SendAsync(HttpMethod.Get, path, token: _token)).EnsureSuccessStatusCode().Content.ReadAsStringAsync(), type)!;
}
