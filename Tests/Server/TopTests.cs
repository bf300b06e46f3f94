using System.Text.RegularExpressions;
using ContentTree.Server.Commands;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Dashboard;

namespace ContentTree.Tests.Server;

/// <summary>The fleet on a terminal: the numbers of the dashboard, in eighty columns.</summary>
public sealed class TopTests : IAsyncLifetime
{
    private readonly List<TestDevice> _devices = [];
    private TestServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        var old = _server.Publish().Commit;
        _server.WriteSource("file", "two");
        var present = _server.Publish().Commit;
        for (var i = 0; i < 6; i++)
        {
            var device = new TestDevice(_server);
            _devices.Add(device);
            (await device.EnrolAsync(i < 5 ? _server.NewToken(TokenRole.Enrol) : null)).EnsureSuccessStatusCode();
            var poll = new PollRequest(BranchName.Parse("stable"), "good", 1, 2, Running: i < 3 ? present : old, Failed: i == 4 ? present : null);
            (await device.PollAsync(poll)).EnsureSuccessStatusCode();
        }
    }

    public async Task DisposeAsync()
    {
        _devices.ForEach(d => d.Dispose());
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task It_says_what_the_first_page_says_here_and_from_elsewhere()
    {
        var here = (await ServerCommand.DoAsync("--data", _server.DataPath, "top", "--once")).Out;
        var elsewhere = (await ServerCommand.DoAsync("top", "--once", "--server", _server.Url, "--token", _server.NewToken(TokenRole.Viewer))).Out;
        elsewhere.Split('\n')[1..].Should().Equal(here.Split('\n')[1..]);
        here.Should().Contain("devices 5: 3 in sync, 1 behind, 1 fell back").And.Contain("wants attention: 1 to approve, 1 fell back").And.Contain("[#########.......]  60% 1 behind, 1 fell back");
        here.Split('\n').Should().OnlyContain(line => line.Length <= TopScreen.Width).And.NotContain(line => line.Contains('\u001b'));
        using var client = await PageClient.LogInAsync(_server);
        var page = await client.ReadAsync("/");
        foreach (var (word, count) in new[] { ("in sync", 3), ("behind", 1), ("fell back", 1), ("pending", 1) })
            Regex.IsMatch(page, $">{word} {count}<").Should().BeTrue(word);
        var json = System.Text.Json.Nodes.JsonNode.Parse((await ServerCommand.DoAsync("--data", _server.DataPath, "top", "--json")).Out)!;
        ((string)json["schema"]!, (long)json["branches"]![0]!["standings"]!["in sync"]!).Should().Be(("ctree-server.overview/1", 3));
    }

    [Fact]
    public void Whatever_a_server_elsewhere_says_fits_and_steers_no_terminal()
    {
        var rollout = new RolloutInfo(7, "group:" + new string('x', 90), BranchName.Parse("stable"), default, 1, new RolloutPlan([new RolloutWave(100)]), "running\u001b[2J", 0, "x", DateTimeOffset.UnixEpoch, Note: "\u001b]0;x\u0007\n" + new string('y', 90),
            Waves: [new RolloutWaveInfo(12, 12, 11, 1, 0)]);
        var branch = new OverviewBranch(BranchName.Parse(new string('b', 150)), 1_000_000_000, new Dictionary<string, long> { ["in sync"] = 999_999_999, ["behind"] = 1 });
        var lines = TopScreen.Lines(new OverviewInfo(DateTimeOffset.UnixEpoch, [branch], 0, 0, 0, [rollout]), "a\u001b[31m", "b\r\n").ToArray();
        lines.Should().OnlyContain(line => line.Length <= TopScreen.Width && !line.Any(char.IsControl)).And.Contain(line => line.Contains("11/12"));
        lines.Should().Contain(line => line.Contains(" 99%"), "it is not full before all are in sync");
    }

    [Fact]
    public async Task A_pause_that_is_none_is_refused() => (await ServerCommand.RunAsync("--data", _server.DataPath, "top", "--every", "0")).Exit.Should().Be((int)ExitCode.Usage);
}
