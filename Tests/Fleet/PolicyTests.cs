using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Fleet;

/// <summary>What is said of devices, groups and branches, by the command line here and over HTTP, and what devices make of it.</summary>
public sealed class PolicyTests : IAsyncLifetime
{
    private readonly List<FleetDevice> _devices = [];
    private readonly List<ObjectId> _commits = [];
    private TestServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        Publish();
        Publish();
        Publish();
        for (var i = 0; i < 3; i++)
            _devices.Add(await FleetDevice.EnrolledAsync(_server, name: $"lab-{i}"));
    }

    public async Task DisposeAsync()
    {
        _devices.ForEach(d => d.Dispose());
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_most_specific_one_decides_and_says_who_and_why(bool isRemote)
    {
        await DoAsync(isRemote, "group", "set", "lab");
        await DoAsync(isRemote, "group", "add", "lab", $"{_devices[0].Id}", $"{_devices[1].Id}");
        await DoAsync(isRemote, "branch", "pin", "stable", $"{_commits[0]}");
        await DoAsync(isRemote, "group", "pin", "lab", $"{_commits[1]}", "--reason", "the fair");
        await DoAsync(isRemote, "device", "follow", $"{_devices[0].Id}");

        (await PollAsync()).Should().Equal(_commits[2], _commits[1], _commits[0]);
        (await DoAsync(isRemote, "device", "show", $"{_devices[1].Id}")).Should().Contain("said by       group lab: pin, by ").And.Contain(": the fair").And.Contain("groups        lab").And.Contain("it runs what it should");
        (await DoAsync(isRemote, "group", "list")).Should().MatchRegex($@"lab\s+100\s+2\s+pin\s+{_commits[1].ToString()[..12]}");

        await DoAsync(isRemote, "group", "release", "lab");
        (await PollAsync())[1].Should().Be(_commits[0], "the branch decides again");
        await DoAsync(isRemote, "branch", "release", "stable");
        (await PollAsync()).Should().OnlyContain(c => c == _commits[2]);
    }

    [Fact]
    public async Task Of_two_groups_the_one_with_the_lower_rank_decides()
    {
        foreach (var (name, rank) in new[] { ("a", "20"), ("b", "10") })
            await DoAsync(false, "group", "set", name, "--rank", rank, "--filter", "name~lab-*");
        await DoAsync(false, "group", "pin", "a", $"{_commits[0]}");
        await DoAsync(false, "group", "pin", "b", $"{_commits[1]}");
        (await PollAsync()).Should().OnlyContain(c => c == _commits[1]);
        await DoAsync(false, "group", "set", "b", "--rank", "30");
        (await PollAsync()).Should().OnlyContain(c => c == _commits[0]);
    }

    [Fact]
    public async Task A_ceiling_lets_devices_go_so_far_and_nobody_back()
    {
        await DoAsync(false, "device", "pin", $"{_devices[0].Id}", $"{_commits[0]}");
        await PollAsync();
        await DoAsync(false, "device", "release", $"{_devices[0].Id}");
        await DoAsync(false, "branch", "ceiling", "stable", $"{_commits[1]}");
        (await PollAsync()).Should().Equal([_commits[1], null, null]);
        _devices[2].Running.Should().Be(_commits[2], "it is past the ceiling and stays");
        await DoAsync(false, "branch", "ceiling", "stable", $"{_commits[2]}");
        (await PollAsync()).Should().OnlyContain(c => c == _commits[2]);
        Publish();
        (await PollAsync()).Should().OnlyContain(c => c == _commits[2]);
    }

    [Fact]
    public async Task A_hold_ends_by_itself()
    {
        await DoAsync(false, "branch", "hold", "stable", "--until", _server.Time.GetUtcNow().AddHours(1).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture));
        Publish();
        (await PollAsync()).Should().OnlyContain(told => told == null);
        _server.Time.Ahead += TimeSpan.FromHours(2);
        (await PollAsync()).Should().OnlyContain(c => c == _commits[3]);
    }

    [Fact]
    public async Task A_group_s_filter_finds_those_that_come_later_and_follows_labels()
    {
        await DoAsync(true, "group", "set", "berlin", "--filter", "label.site==berlin or name==lab-9");
        await DoAsync(true, "group", "hold", "berlin");
        await DoAsync(true, "device", "label", $"{_devices[0].Id}", "site=berlin");
        using var late = await FleetDevice.EnrolledAsync(_server, name: "lab-9");
        Publish();
        (await PollAsync()).Should().Equal([null, _commits[3], _commits[3]]);
        (await late.PollAsync()).Should().BeNull();
        await DoAsync(true, "device", "label", $"{_devices[0].Id}", "site=");
        (await PollAsync())[0].Should().Be(_commits[3]);
        (await DoAsync(true, "device", "list", "--filter", "group==berlin")).Should().Contain("lab-9").And.NotContain("lab-0");
    }

    [Theory]
    [InlineData("Öster*")]
    [InlineData("öster*")]
    public async Task A_name_with_other_letters_than_ours_is_found_by_a_pattern_in_either_case_of_ours(string pattern)
    {
        using var far = await FleetDevice.EnrolledAsync(_server, name: pattern[0] + "STERREICH-1");
        (await DoAsync(true, "device", "list", "--filter", $"name~{pattern}")).Should().Contain("STERREICH-1").And.NotContain("lab-0");
        _server.Devices().Search(new DeviceFilter(pattern.TrimEnd('*')), 10).Select(d => d.Id).Should().Equal(far.Id);
    }

    [Fact]
    public async Task A_device_that_moves_is_in_its_new_groups_all_at_once_or_in_none_of_them()
    {
        await DoAsync(false, "group", "set", "a", "--filter", "branch==stable");
        await DoAsync(false, "group", "set", "b", "--filter", "branch==beta");
        await DoAsync(false, "group", "set", "c", "--filter", "branch==beta");
        using var device = new TestDevice(_server);
        await device.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        using var connection = _server.Data.OpenDatabase().Connect();
        List<string> Groups() => connection.Query("SELECT group_name FROM group_members WHERE device = $id ORDER BY group_name", row => row.GetString(0), ("$id", device.Id));
        connection.Execute("UPDATE groups SET filter = 'of another time' WHERE name = 'c'");

        (await device.PollAsync("beta")).IsSuccessStatusCode.Should().BeFalse();
        Groups().Should().Equal("a");

        connection.Execute("UPDATE groups SET filter = 'branch==beta' WHERE name = 'c'");
        await device.EnrolAsync(branch: "beta");
        Groups().Should().Equal("b", "c");
    }

    [Fact]
    public async Task A_preview_counts_and_changes_nothing()
    {
        await PollAsync();
        (await DoAsync(true, "branch", "pin", "stable", $"{_commits[0]}", "--preview")).Should().Contain("3 of 3 devices would run another commit").And.MatchRegex($@"3\s+{_commits[2].ToString()[..12]}\s+{_commits[0].ToString()[..12]}");
        (await DoAsync(false, "device", "pin", $"{_devices[0].Id}", $"{_commits[2]}", "--preview")).Should().Contain("0 of 1 devices");
        (await PollAsync()).Should().OnlyContain(c => c == _commits[2]);
    }

    [Fact]
    public async Task A_barrier_is_run_on_the_way()
    {
        await DoAsync(false, "branch", "pin", "stable", $"{_commits[2]}");
        await PollAsync();
        Publish("--barrier");
        Publish();
        await DoAsync(false, "branch", "release", "stable");
        (await PollAsync()).Should().OnlyContain(c => c == _commits[3]);
        (await PollAsync()).Should().OnlyContain(c => c == _commits[4], "which it has run now");
    }

    [Fact]
    public async Task A_barrier_that_failed_is_not_got_round_and_gc_keeps_it()
    {
        await DoAsync(false, "branch", "pin", "stable", $"{_commits[2]}");
        await PollAsync();
        Publish("--barrier");
        Publish();
        _devices[0].Bad = _commits[3];
        await DoAsync(false, "branch", "release", "stable");
        await PollAsync();
        (await PollAsync()).Should().Equal([null, _commits[4], _commits[4]]);
        _devices[0].Running.Should().Be(_commits[2]);
        (await DoAsync(false, "device", "show", $"{_devices[0].Id}")).Should().Contain("a barrier failed here");
        (await DoAsync(false, "gc", "--keep", "1", "--grace", "0", "--dry-run")).Should().Contain("barrier of stable");
    }

    [Fact]
    public async Task What_was_said_of_a_device_goes_with_it()
    {
        await DoAsync(true, "device", "pin", $"{_devices[0].Id}", $"{_commits[0]}");
        await DoAsync(true, "device", "remove", $"{_devices[0].Id}");
        await DoAsync(true, "device", "accept", $"{_devices[0].Id}", "--expected-on", "stable");
        (await DoAsync(true, "device", "show", $"{_devices[0].Id}")).Should().Contain("said by       branch stable: follow");
    }

    [Fact]
    public async Task A_device_with_a_later_assignment_than_a_restored_database_hears_a_later_one_yet()
    {
        await DoAsync(true, "branch", "pin", "stable", $"{_commits[0]}");
        await PollAsync();
        await DoAsync(true, "branch", "release", "stable");
        using (var connection = _server.Data.OpenDatabase().Connect())
            connection.Execute("DELETE FROM assignments");
        (await PollAsync()).Should().OnlyContain(c => c == _commits[2], "it would obey what it has for ten years");
    }

    [Theory]
    [InlineData(1, "device", "list", "--filter", "seen>99999999d")]
    [InlineData(17, "device", "pin", "0123456789abcdef", "stable")]
    [InlineData(17, "group", "pin", "nobody", "stable")]
    [InlineData(17, "branch", "pin", "other", "stable")]
    [InlineData(17, "branch", "release", "stable")]
    [InlineData(2, "group", "set", "a/b")]
    [InlineData(1, "group", "set", "lab", "--filter", "health==ok")]
    [InlineData(1, "device", "list", "--filter", "name==")]
    [InlineData(1, "device", "list", "--filter", "colour==red")]
    [InlineData(1, "branch", "hold", "stable", "--until", "2001-01-01")]
    [InlineData(1, "branch", "hold", "stable", "--reason", "a\nb")]
    public async Task What_makes_no_sense_is_a_sentence_and_changes_nothing(int exit, params string[] args)
    {
        foreach (string[] where in new[] { ["--data", _server.DataPath], Remote })
        {
            var refused = await ServerCommand.RunAsync([.. args, .. where]);
            refused.Exit.Should().Be(exit, refused.Error);
            refused.Error.Should().NotContain("   at ");
        }
        (await PollAsync()).Should().OnlyContain(c => c == _commits[2]);
    }

    [Fact]
    public async Task Without_a_fleet_key_nothing_is_said_of_many()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(_server.DataPath, "online-keys"), "fleet*"))
            File.Delete(file);
        var refused = await ServerCommand.RunAsync(["--data", _server.DataPath, "branch", "hold", "stable"]);
        refused.Exit.Should().Be(17);
        refused.Error.Should().Contain("fleet keys are at hand");
        (await DoAsync(false, "group", "list")).Should().BeEmpty();
        Publish();
        (await PollAsync()).Should().OnlyContain(c => c == _commits[3]);
    }

    private string[] Remote => ["--server", _server.Url, "--token", _server.Admin];

    private void Publish(params string[] options)
    {
        _server.WriteSource("file", $"{_commits.Count}");
        var published = ServerCommand.DoAsync(["--data", _server.DataPath, "publish", "--branch", "stable", .. options, _server.Source]).GetAwaiter().GetResult();
        _commits.Add(ObjectId.Parse(published.Out.Trim().Split('\n')[^1]));
    }

    private async Task<List<ObjectId?>> PollAsync()
    {
        var told = new List<ObjectId?>();
        foreach (var device in _devices)
            told.Add(await device.PollAsync());
        return told;
    }

    private async Task<string> DoAsync(bool isRemote, params string[] args) => (await ServerCommand.DoAsync([.. args, .. isRemote ? Remote : ["--data", _server.DataPath]])).Out;
}
