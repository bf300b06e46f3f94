using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>Lists of devices: whichever of the things that somebody asks for leads the search, all of them hold.</summary>
public sealed class DeviceFilterTests : IDisposable
{
    private static readonly ObjectId Commit = ObjectId.Of("a commit"u8);

    private readonly List<(KeyId Id, string Name, string Serial, string Branch, DeviceState State, bool Runs, bool IsSilent, string? Sync, DeviceMark Mark)> _fleet = [];
    private readonly TemporaryDirectory _temporary = new();
    // No server: it would work out anew what these devices are said to be.
    private readonly DataDirectory _data;
    private readonly Devices _devices;

    public DeviceFilterTests()
    {
        TestStorage.Prepare(_temporary["data"]);
        _data = DataDirectory.Create(_temporary["data"], TimeProvider.System);
        var database = _data.OpenDatabase();
        _devices = new Devices(database, new Tokens(database, TimeProvider.System), TimeProvider.System);
        using var connection = database.Connect();
        for (var i = 0; i < 120; i++)
        {
            DeviceMark[] marks = [DeviceMark.Cloned, DeviceMark.Forked, DeviceMark.Drifted, DeviceMark.Low, DeviceMark.None, DeviceMark.None];
            var device = (Id: KeyId.Parse($"{i * 7919 % 1000:x16}"), Name: $"{(i % 3 == 0 ? "Pump" : "gate")}-{i % 50:00}", Serial: $"SN_{i}%", Branch: i % 4 == 0 ? "edge" : "stable", State: i % 7 == 5 ? DeviceState.Pending : i % 7 == 6 ? DeviceState.Rejected : DeviceState.Accepted, Runs: i % 2 == 0,
                IsSilent: i % 5 == 1, Sync: i % 11 == 0 ? null : i % 3 == 1 ? "behind" : "in-sync", Mark: marks[i % 6]);
            _fleet.Add(device);
            connection.Execute("""
                INSERT INTO devices (id, name, serial, hardware, architecture, branch, state, enrolled, running, silent, sync, cloned, fork, drift, low, words)
                VALUES ($id, $name, $serial, 'Scope-3B', 'x', $branch, $state, 1, $running, $silent, $sync, $cloned, $fork, $drift, $low, lower($words))
                """, ("$id", device.Id), ("$name", device.Name), ("$serial", device.Serial), ("$branch", device.Branch), ("$state", device.State.ToString().ToLowerInvariant()), ("$running", device.Runs ? Commit : null),
                ("$silent", device.IsSilent ? 5L : null), ("$sync", device.Sync), ("$cloned", device.Mark == DeviceMark.Cloned ? 5L : null), ("$fork", device.Mark == DeviceMark.Forked ? 5L : null),
                ("$drift", device.Mark == DeviceMark.Drifted ? 2L : null), ("$low", device.Mark == DeviceMark.Low ? 1 : 0), ("$words", $"{device.Id} {device.Name} {device.Serial} Scope-3B"));
        }
    }

    public void Dispose()
    {
        _data.Dispose();
        _temporary.Dispose();
        TestStorage.End();
    }

    [Fact]
    public void Whatever_is_asked_for_together_all_of_it_holds_page_after_page()
    {
        var asked = 0;
        var wishes =
            from text in new[] { "", "PUMP", "sn_1", "%", "scope-3b", "nothing" }
            from branch in new[] { null, "edge" }
            from state in new DeviceState?[] { null, DeviceState.Pending, DeviceState.Accepted, DeviceState.Rejected }
            from runs in new[] { false, true }
            from silent in new bool?[] { null, true, false }
            from sync in new[] { null, "", "behind" }
            from mark in Enum.GetValues<DeviceMark>()
            select (text, branch, state, runs, silent, sync, mark);
        foreach (var (text, branch, state, runs, silent, sync, mark) in wishes)
        {
            var filter = new DeviceFilter(text, branch is null ? null : BranchName.Parse(branch), state, Running: runs ? Commit : null, IsSilent: silent, Sync: sync, Mark: mark);
            var expected = _fleet.Where(d => $"{d.Id} {d.Name} {d.Serial} Scope-3B".Contains(text, StringComparison.OrdinalIgnoreCase) && (branch is null || d.Branch == branch) && (state is null || d.State == state) && (!runs || d.Runs) &&
                (silent is null || d.IsSilent == silent) && (sync is null || (d.Sync ?? "") == sync) && (mark == DeviceMark.None || d.Mark == mark)).OrderBy(d => d.Name, StringComparer.Ordinal).ThenBy(d => d.Id.ToString(), StringComparer.Ordinal).Select(d => $"{d.Name} {d.Id}").ToArray();
            var first = _devices.Search(filter, 4).Select(d => $"{d.Name} {d.Id}").ToArray();
            first.Should().Equal(expected.Take(4), $"{filter}");
            if (first.Length == 4 && asked++ % 10 == 0)
                _devices.Search(filter, 200, KeyId.Parse(first[^1].Split(' ')[1])).Select(d => $"{d.Name} {d.Id}").Should().Equal(expected.Skip(4), $"{filter}");
        }
        asked.Should().BeGreaterThan(50, "many of them find somebody");
    }

    [Fact]
    public async Task What_a_device_says_of_itself_is_found_from_its_first_words_on_and_after_it_has_another_name()
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        await device.SendAsync(Routes.Enrol, new EnrolRequest(device.Key.Public.Pem, "Ümlaut Brücke", "RIG-9", "x86_64", BranchName.Parse("stable"), null, "QX-77"), ProtocolJson.Default.EnrolRequest);
        foreach (var text in new[] { "brücke", "rig-9", "qx-7", device.Id.ToString()[..9] })
            server.Devices().Search(new DeviceFilter(text), 10).Select(d => d.Id).Should().Contain(device.Id, text);
        await device.SendAsync(Routes.Enrol, new EnrolRequest(device.Key.Public.Pem, "tower", "RIG-9", "x86_64", BranchName.Parse("stable"), null, "QX-77"), ProtocolJson.Default.EnrolRequest);
        server.Devices().Search(new DeviceFilter("tower"), 10).Should().ContainSingle();
        server.Devices().Search(new DeviceFilter("Brücke"), 10).Should().BeEmpty();
        var expected = KeyId.Parse("00000000beefbeef");
        server.Devices().Decide(expected, DeviceState.Accepted, BranchName.Parse("stable"));
        server.Devices().Search(new DeviceFilter("beefbeef"), 10).Should().ContainSingle();
    }

    [Fact]
    public void Devices_are_counted_by_kind_each_kind_once()
    {
        using (var connection = _data.OpenDatabase().Connect())
        {
            var moment = 5;
            foreach (var id in connection.Query("SELECT id FROM devices", row => row.Text("id")))
            {
                moment++;
                connection.Execute("UPDATE devices SET silent = silent + $moment, cloned = cloned + $moment, fork = fork + $moment WHERE id = $id", ("$id", id), ("$moment", moment));
            }
        }
        var kinds = _devices.Kinds().Select(k => (Kind: (Branch: $"{k.Device.Branch}", k.Device.State, Runs: k.Device.Running is not null, IsSilent: k.Device.Silent is not null, k.Device.Sync, Cloned: k.Device.Cloned is not null, Forked: k.Device.Fork is not null, k.IsLow), k.Count));
        kinds.Should().BeEquivalentTo(_fleet.GroupBy(d => (d.Branch, d.State, d.Runs, d.IsSilent, d.Sync, Cloned: d.Mark == DeviceMark.Cloned, Forked: d.Mark == DeviceMark.Forked, IsLow: d.Mark == DeviceMark.Low)).Select(g => (g.Key, (long)g.Count())));
    }

    [Fact]
    public async Task What_an_older_server_has_written_down_beside_this_one_is_found_after_the_next_look_at_all_devices()
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol), name: "tower-7");
        // As one writes that knows nothing of the column: a device that is new, and a name that is another one.
        server.Data.OpenDatabase().Connect().Execute("INSERT INTO devices (id, name, hardware, architecture, branch, state, enrolled) VALUES ('00000000beefbeef', 'Tower-8', 'RIG', 'x', 'stable', 'accepted', 1)");
        server.Data.OpenDatabase().Connect().Execute("UPDATE devices SET name = 'mast-7' WHERE id = $id", ("$id", device.Id));
        server.Devices().Search(new DeviceFilter("tower"), 10).Select(d => d.Id).Should().Equal(device.Id);
        server.WriteSource("file", "one");
        server.Publish();
        await Eventually.TrueAsync(() => server.Devices().Search(new DeviceFilter("tower"), 10) is [{ Name: "Tower-8" }] && server.Devices().Search(new DeviceFilter("mast"), 10) is [{ Name: "mast-7" }]);
    }
}
