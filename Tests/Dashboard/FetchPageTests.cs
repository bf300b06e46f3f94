using ContentTree.Server.Dashboard;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Publishing;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Dashboard;

/// <summary>Before devices are sent anywhere a page says how many they are and how many bytes each fetches.</summary>
public sealed class FetchPageTests : IAsyncLifetime, IDisposable
{
    private static readonly BranchName Stable = BranchName.Parse("stable");

    private readonly List<TestDevice> _devices = [];
    private TestServer _server = null!;
    private PageClient _client = null!;
    private ObjectId _first, _old, _new;
    private string _delta = "";

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _first = Publish(1);
        _old = Publish(2);
        for (var number = 0; number < 3; number++)
        {
            var device = new TestDevice(_server);
            _devices.Add(device);
            (await device.EnrolAsync(_server.NewToken(TokenRole.Enrol))).EnsureSuccessStatusCode();
            (await device.PollAsync(new PollRequest(Stable, "good", 1, 2, Running: number == 0 ? _first : _old))).EnsureSuccessStatusCode();
        }
        new Groups(_server.Data.OpenDatabase(), _server.Time).Set(GroupName.Parse("all"), null, "name==lab-7");
        _new = Publish(3, "edge");
        var made = (await ServerCommand.DoAsync("--data", _server.DataPath, "delta", $"{_old}", $"{_new}")).LastLine;
        _delta = Text.Bytes(new FileInfo(made.Split(' ')[0]).Length) + " (delta)";
        _client = await PageClient.LogInAsync(_server, TokenRole.Admin);
        await _client.ReadAsync("/");
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose()
    {
        _devices.ForEach(d => d.Dispose());
        _client.Dispose();
    }

    [Fact]
    public async Task A_promotion_and_a_revert_say_whom_they_move_and_what_each_fetches()
    {
        var page = await AskAsync("/branch/promote", ("branch", "stable"), ("commit", "edge"));
        page.Should().Contain("3 devices follow it").And.Contain("Move 3 devices");
        Fetches(page).Should().HaveCount(2).And.ContainInOrder($"2 {_old} {_new} {_delta}").And.Contain(row => row.StartsWith($"1 {_first} {_new} about ", StringComparison.Ordinal));

        // What was looked at is what moves.
        _server.WriteSource("more", "x");
        _server.Publish("edge");
        (await _client.DoAsync("/branch/promote", ("branch", "stable"), ("commit", "edge"), ("sure", "yes"), ("looked", $"{_new}"))).Should().Contain("edge has moved since").And.Contain("role=\"alert\"");
        Head().Should().Be(_old);

        page = await AskAsync("/branch/revert", ("branch", "stable"), ("commit", $"{_first}"));
        page.Should().Contain("Take 3 devices back");
        Fetches(page).Should().ContainSingle().Which.Should().StartWith($"2 {_old} {_first} about ", "the third one runs it already");
        Head().Should().Be(_old);
    }

    [Fact]
    public async Task A_pin_of_a_device_a_group_or_a_branch_says_what_each_fetches()
    {
        await ServerCommand.DoAsync("--data", _server.DataPath, "branch", "promote", "edge", "stable");
        await ServerCommand.DoAsync("--data", _server.DataPath, "branch", "pin", "stable", $"{_old}");
        foreach (var device in _devices)
            await device.PollAsync(new PollRequest(Stable, "good", 1, 3, Running: device == _devices[0] ? _first : _old));

        var page = await AskAsync("/groups/all", ("action", "pin"), ("commit", $"{_new}"));
        page.Should().Contain("Pin: 3 devices change");
        Fetches(page).Should().HaveCount(2).And.Contain($"2 {_old} {_new} {_delta}");
        Fetches(await AskAsync("/branches/stable", ("action", "pin"), ("commit", $"{_new}"))).Should().HaveCount(2).And.Contain($"2 {_old} {_new} {_delta}");
        page = await AskAsync($"/devices/{_devices[1].Id}/assign", ("action", "pin"), ("commit", $"{_new}"));
        page.Should().Contain("Pin: 1 device changes");
        Fetches(page).Should().Equal($"1 {_old} {_new} {_delta}");
        // Whoever is refused comes back to a page that is there.
        (await _client.DoAsync($"/devices/{_devices[1].Id}/assign", ("action", "pin"), ("commit", "nothing"), ("sure", "yes"))).Should().Contain("role=\"alert\"");
    }

    [Fact]
    public async Task A_rollout_says_what_each_device_of_its_waves_fetches()
    {
        await ServerCommand.DoAsync("--data", _server.DataPath, "branch", "promote", "edge", "stable");
        var page = await AskAsync("/rollouts/start", ("scope", "group:all"), ("commit", $"{_new}"), ("waves", "100%"));
        page.Should().Contain("Start for 3 devices");
        Fetches(page).Should().HaveCount(2).And.Contain($"2 {_old} {_new} {_delta}");
    }

    private async Task<string> AskAsync(string path, params (string, string)[] fields)
    {
        var answer = await _client.PostAsync(path, fields);
        answer.StatusCode.Should().Be(System.Net.HttpStatusCode.OK, $"{answer.Headers.Location}");
        return await answer.Content.ReadAsStringAsync();
    }

    // "2 FROM TO 1.2 KB (delta)" for each row.
    private static string[] Fetches(string page) =>
        [.. System.Text.RegularExpressions.Regex.Matches(page[page.IndexOf("id=\"fetch\"", StringComparison.Ordinal)..], "(?s)<tr><td data-label=\"Devices\"[^>]*>([^<]*)</td>.*?/commits/([0-9a-f]{64}).*?/commits/([0-9a-f]{64}).*?data-label=\"Each fetches\"[^>]*>([^<]*)</td></tr>")
            .Select(m => string.Join(' ', m.Groups.Values.Skip(1).Select(g => g.Value)))];

    private ObjectId Publish(int number, string branch = "stable")
    {
        _server.WriteSource("etc/version", $"{number}");
        _server.WriteSource("usr/bin/program", string.Concat(Enumerable.Range(0, 4000).Select(i => $"{i * number} ")));
        return _server.Publish(branch).Commit;
    }

    private ObjectId? Head() => new Branches(_server.Data, _server.Time).Read(Stable).Head?.Commit;
}
