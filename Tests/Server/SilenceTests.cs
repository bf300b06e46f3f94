using System.Net;
using System.Text.Json.Nodes;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Storage;
using ContentTree.Server.Webhooks;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>Devices that are not heard of any more, and who is told of them.</summary>
public sealed class SilenceTests : IAsyncLifetime
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(30);

    private readonly List<TestDevice> _devices = [];
    private TestServer _server = null!;
    private string _webhook = "";

    private Outbox Outbox => new(_server.Data.OpenDatabase(), _server.Time);

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        _server.Publish();
        _webhook = Outbox.Create(new WebhookRequest("https://198.51.100.1/", ["device.silent", "device.back", "device.many-silent", "device.many-back"])).Id;
    }

    public async Task DisposeAsync()
    {
        _devices.ForEach(d => d.Dispose());
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_device_that_misses_three_polls_is_silent_and_told_of_once_until_it_speaks()
    {
        await EnrolAsync(2);
        await PassAsync(3, _devices[1]);
        (await SilentAsync(_devices[0])).Should().BeEmpty();
        await PassAsync(1, _devices[1]);
        await Eventually.TrueAsync(() => Told().Count == 1);
        (await SilentAsync(_devices[0])).Should().HaveCount(1);
        Told().Should().Equal($"device.silent {_devices[0].Id}");
        (await (await _server.SendAsync(HttpMethod.Get, "/metrics", token: _server.Admin)).Content.ReadAsStringAsync()).Should().Contain("ctree_devices_silent 1\n");
        (await ServerCommand.DoAsync("device", "show", $"{_devices[0].Id}", "--server", _server.Url, "--token", _server.Admin)).Out.Should().Contain("health        silent, noticed 20");

        await _server.RestartAsync();
        await PassAsync(4, _devices[1]);
        (await SilentAsync(_devices[0])).Should().HaveCount(1);
        await PollAsync(_devices[0]);
        await Eventually.TrueAsync(() => Told().Count == 2);
        await PassAsync(1, [.. _devices]);
        Told().Should().Equal($"device.silent {_devices[0].Id}", $"device.back {_devices[0].Id}");
        (await SilentAsync(_devices[0])).Should().BeEmpty();
        await PassAsync(4, _devices[1]);
        await Eventually.TrueAsync(() => Told().Count == 3);
    }

    [Fact]
    public async Task Who_could_not_reach_a_server_that_was_away_is_given_time_to_come_back()
    {
        await EnrolAsync(2);
        await _server.RestartAsync(away: TimeSpan.FromHours(9));
        _server.Time.Ahead += Interval;
        // What a look in the time of grace would have noted stands there when the next one has come by.
        await PollAsync(_devices[1]);
        _server.Time.Ahead += TimeSpan.FromMinutes(80);
        await Eventually.TrueAsync(() => Told().Count == 1);
        (await SilentAsync(_devices[0])).Should().HaveCount(1);
        Told().Should().Equal($"device.silent {_devices[0].Id}");
    }

    [Fact]
    public void The_longer_a_server_was_away_the_longer_devices_may_take_to_come_back()
    {
        SilenceWorker.GraceAfter(TimeSpan.Zero, Interval).Should().Be(Interval * 1.25);
        SilenceWorker.GraceAfter(TimeSpan.FromMinutes(40), Interval).Should().Be(Interval * 1.25 + TimeSpan.FromMinutes(40));
        SilenceWorker.GraceAfter(TimeSpan.FromDays(40), Interval).Should().Be(Interval * 1.25 + TimeSpan.FromHours(1));
    }

    [Fact]
    public void Of_a_whole_site_there_is_one_word_and_of_those_after_it_one_an_interval_later()
    {
        // No server runs beside it that would tell as well.
        using var temporary = new TemporaryDirectory();
        var time = new AdjustableTime();
        using var data = DataDirectory.Create(temporary["data"], time);
        var database = data.OpenDatabase();
        var (devices, outbox) = (new Devices(database, new Tokens(database, time), time), new Outbox(database, time));
        var webhook = outbox.Create(new WebhookRequest("https://198.51.100.1/", ["device.*"])).Id;
        var silences = new Silences(database, outbox, time, Interval);
        KeyId[] site = [.. Enumerable.Range(0, 57).Select(i => KeyId.Parse($"{i:x16}"))];
        foreach (var device in site)
        {
            devices.Decide(device, DeviceState.Accepted, BranchName.Parse("stable"));
            Speak(device);
        }
        time.Ahead += Interval * 4;
        foreach (var device in site[50..])
            Speak(device);
        silences.Mark(3).Should().Be(50);
        silences.Tell();
        outbox.Deliveries(webhook, 100).Should().ContainSingle().Which.Event.Should().Be("device.many-silent");

        time.Ahead += TimeSpan.FromMinutes(5);
        database.Connect().Execute("UPDATE devices SET last_seen = 1 WHERE id = $id", ("$id", site[56]));
        silences.Mark(3).Should().Be(1);
        silences.Tell();
        outbox.Deliveries(webhook, 100).Should().HaveCount(1, "one more is told of when an interval is over");
        time.Ahead += Interval;
        silences.Tell();
        silences.Tell();

        foreach (var device in site[..50])
            Speak(device);
        silences.Tell();
        silences.Tell();
        var told = outbox.Deliveries(webhook, 100);
        told.Select(d => d.Event).Should().Equal("device.many-back", "device.silent", "device.many-silent");
        ((string?)Data(database, told[1].Id)["device"]).Should().Be($"{site[56]}");
        var about = Data(database, told[0].Id);
        ((long)about["count"]!, (long)about["silent"]!, (long)about["branches"]!["stable"]!, about["devices"]!.AsArray().Count).Should().Be((50, 1, 50, Silences.MaxSingle));

        void Speak(KeyId device) => devices.Record(device, new PollRequest(BranchName.Parse("stable"), "good", 1, 0));
    }

    [Fact]
    public async Task A_group_says_how_many_polls_its_devices_may_miss()
    {
        await EnrolAsync(3);
        foreach (var (group, polls, rank) in new[] { ("often-off", "10", "20"), ("sticks", "0", "10") })
            await ServerCommand.DoAsync("group", "set", group, "--silent-polls", polls, "--rank", rank, "--server", _server.Url, "--token", _server.Admin);
        await ServerCommand.DoAsync("--data", _server.DataPath, "group", "add", "often-off", $"{_devices[0].Id}", $"{_devices[1].Id}");
        await ServerCommand.DoAsync("--data", _server.DataPath, "group", "add", "sticks", $"{_devices[1].Id}");
        _server.Time.Ahead += Interval * 9;
        await Eventually.TrueAsync(() => Told().Count == 1);
        Told().Should().Equal($"device.silent {_devices[2].Id}");
        _server.Time.Ahead += Interval * 2;
        await Eventually.TrueAsync(() => Told().Count == 2);
        Told()[1].Should().Be($"device.silent {_devices[0].Id}");
        await ServerCommand.DoAsync("--data", _server.DataPath, "group", "set", "sticks", "--rank", "5");
        new Groups(_server.Data.OpenDatabase(), _server.Time).Find(GroupName.Parse("sticks")).SilentPolls.Should().Be(0, "what is not said stays");
        await ServerCommand.DoAsync("--data", _server.DataPath, "group", "set", "sticks", "--silent-polls", "-1");
        await Eventually.TrueAsync(() => Told().Count == 3);
    }

    [PostgresFact]
    public async Task Nothing_is_marked_while_somebody_else_tells()
    {
        var address = PostgresServer.Shared.NewAddress();
        var database = PostgresDatabase.Open(PostgresAddress.Parse(address));
        var time = new AdjustableTime();
        var silences = new Silences(database, new Outbox(database, time), time, Interval);
        Task<int> marking;
        using (var connection = database.Connect())
        {
            using var telling = connection.BeginWriting();
            marking = Task.Run(() => silences.Mark(3));
            await Eventually.TrueAsync(() => marking.IsCompleted || PostgresServer.Shared.Query(address,
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND (classid::bigint << 32 | objid::bigint) = hashtextextended(current_schema(), 0)") == "1");
            marking.IsCompleted.Should().BeFalse();
        }
        (await marking).Should().Be(0);
    }

    [Theory]
    [InlineData("silent.polls = often")]
    [InlineData("silent.polls = -1")]
    public async Task A_setting_that_is_none_is_refused(string line)
    {
        _server.WriteSettings(line);
        (await ServerCommand.RunAsync("--data", _server.DataPath, "gc", "--dry-run")).Error.Should().Contain("silent.polls is a number from 0 to 10000");
    }

    private async Task EnrolAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var device = new TestDevice(_server);
            _devices.Add(device);
            (await device.EnrolAsync(_server.NewToken(TokenRole.Enrol), name: $"lab-{i}")).EnsureSuccessStatusCode();
            await PollAsync(device);
        }
    }

    // Intervals in which only these are heard of.
    private async Task PassAsync(int intervals, params TestDevice[] speaking)
    {
        for (var i = 0; i < intervals; i++)
        {
            _server.Time.Ahead += Interval;
            foreach (var device in speaking)
                await PollAsync(device);
        }
    }

    private static async Task PollAsync(TestDevice device) => (await device.PollAsync()).StatusCode.Should().Be(HttpStatusCode.OK);

    private async Task<IReadOnlyList<DeviceInfo>> SilentAsync(TestDevice only)
    {
        var answer = await _server.SendAsync(HttpMethod.Get, $"{Routes.Devices}?q={Uri.EscapeDataString($"health==silent and id=={only.Id}")}", token: _server.Admin);
        return System.Text.Json.JsonSerializer.Deserialize(await answer.Content.ReadAsStringAsync(), ProtocolJson.Default.DeviceList)!.Devices;
    }

    private IReadOnlyList<DeliveryInfo> Deliveries() => Outbox.Deliveries(_webhook, 100);

    private IReadOnlyList<string> Told() => [.. Deliveries().OrderBy(d => d.Id).Select(d => $"{d.Event} {Data(_server.Data.OpenDatabase(), d.Id)["device"]}")];

    private static JsonNode Data(Database database, long delivery) => JsonNode.Parse(database.Connect().Query("SELECT body FROM deliveries WHERE id = $id", row => row.GetString(0), ("$id", delivery))[0])!["data"]!;
}
