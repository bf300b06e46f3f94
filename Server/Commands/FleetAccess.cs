using System.CommandLine;
using ContentTree.Server.Auditing;
using ContentTree.Server.Client;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Expected;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Privacy;
using ContentTree.Server.Storage;
using ContentTree.Server.Trust;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Commands;

/// <summary>The devices of local data or of a running server: the same verbs for both.</summary>
internal sealed class FleetAccess : IDisposable
{
    private readonly ServerClient? _client;
    private readonly DataDirectory? _data;
    private readonly TimeProvider _time;

    private FleetAccess(ServerClient? client, DataDirectory? data, TimeProvider time)
    {
        _client = client;
        _data = data;
        _time = time;
    }

    private DataDirectory Data => _data ?? throw new System.Diagnostics.UnreachableException();

    private Devices Local
    {
        get
        {
            var database = Data.OpenDatabase();
            return new Devices(database, new Tokens(database, _time), _time);
        }
    }

    private DeviceVerdicts Verdicts => new(Local, new Audit(Data, _time));

    private DeviceView View
    {
        get
        {
            var database = Data.OpenDatabase();
            return new DeviceView(database, Local, new Decisions(Data, database, _time), new Entitlements(database), _time);
        }
    }

    public static FleetAccess Open(CommandContext context, ParseResult parsed, Option<Uri?> server, Option<string?> token)
    {
        return CommandContext.Connect(parsed, server, token) is { } client
            ? new FleetAccess(client, null, context.Time)
            : new FleetAccess(null, context.OpenData(parsed), context.Time);
    }

    public async Task<IReadOnlyList<DeviceInfo>> ListAsync(string? filter, CancellationToken cancellation)
    {
        if (_client is null)
            return View.List(int.MaxValue, null, filter);
        return await ListAsync(_client, filter, cancellation);
    }

    /// <summary>All devices of a running server that a filter names, page by page.</summary>
    public static async Task<IReadOnlyList<DeviceInfo>> ListAsync(ServerClient client, string? filter, CancellationToken cancellation)
    {
        var devices = new List<DeviceInfo>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = await client.GetAsync($"{Routes.Devices}?limit=1000&cursor={cursor}&q={Uri.EscapeDataString(filter ?? "")}", ProtocolJson.Default.DeviceList, cancellation);
            devices.AddRange(page.Devices);
            cursor = page.Cursor;
        }
        return devices;
    }

    public async Task<DeviceInfo> FindAsync(KeyId id, CancellationToken cancellation) => _client is null
        ? View.Find(id)
        : await _client.GetAsync(Routes.Device(id), ProtocolJson.Default.DeviceInfo, cancellation);

    public async Task<DeviceInfo> DecideAsync(KeyId id, DeviceState state, BranchName? expectedOn, CancellationToken cancellation)
    {
        if (_client is null)
            return Verdicts.Decide(Actor.Here, id, state, expectedOn);
        var route = state == DeviceState.Accepted ? Routes.AcceptDevice(id) : Routes.RejectDevice(id);
        return await _client.PostAsync(expectedOn is null ? route : $"{route}?branch={expectedOn}", ProtocolJson.Default.DeviceInfo, cancellation);
    }

    public async Task<DeviceInfo> AllowAsync(KeyId id, BranchName branch, bool isAllowed, CancellationToken cancellation)
    {
        if (_client is not null)
        {
            var route = Routes.DeviceBranch(id, branch);
            await (isAllowed ? _client.PutAsync(route, new StringContent(""), cancellation) : _client.DeleteAsync(route, cancellation));
            return await FindAsync(id, cancellation);
        }
        var entitlements = new Entitlements(Data.OpenDatabase());
        if (isAllowed)
            entitlements.Allow(id, branch);
        else
            entitlements.Forbid(id, branch);
        Note(isAllowed ? "device.allow" : "device.forbid", id, after: $"{branch}");
        return View.Find(id);
    }

    public async Task<DeviceInfo> TakeReportAsync(byte[] file, CancellationToken cancellation)
    {
        if (_client is not null)
            return await _client.PostAsync(Routes.OfflineReports, file, ProtocolJson.Default.DeviceInfo, cancellation);
        var device = new OfflineReports(Data.OpenDatabase(), Local, new Events(Data.OpenDatabase()), new BlackBoxes(Data.OpenDatabase(), _time), _time).Take(file);
        Note("device.report", device.Id);
        return device;
    }

    public async Task<ExpectedAnswer> ExpectAsync(byte[] list, CancellationToken cancellation)
    {
        if (_client is not null)
            return await _client.PostAsync(Routes.Expected, list, ProtocolJson.Default.ExpectedAnswer, cancellation, "text/plain");
        var answer = new ExpectedDevices(Data.OpenDatabase(), _time).Add(ExpectedList.Parse(list), Actor.Here.Name);
        new Audit(Data, _time).Note(Actor.Here, "device.expect", "a list", after: ExpectedEndpoints.Words(answer));
        return answer;
    }

    public async Task<IReadOnlyList<ExpectedDeviceInfo>> ExpectedAsync(bool isUnused, CancellationToken cancellation)
    {
        if (_client is null)
            return new ExpectedDevices(Data.OpenDatabase(), _time).List(isUnused, int.MaxValue);
        var devices = new List<ExpectedDeviceInfo>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = await _client.GetAsync($"{Routes.Expected}?limit=1000&unused={(isUnused ? "yes" : "")}&cursor={Uri.EscapeDataString(cursor)}", ProtocolJson.Default.ExpectedDeviceList, cancellation);
            devices.AddRange(page.Devices);
            cursor = page.Cursor;
        }
        return devices;
    }

    /// <param name="serial">Null for all that have not come.</param>
    public async Task UnexpectAsync(string? serial, CancellationToken cancellation)
    {
        if (_client is not null)
        {
            await _client.DeleteAsync(serial is null ? Routes.Expected : Routes.ExpectedSerial(serial), cancellation);
            return;
        }
        var expected = new ExpectedDevices(Data.OpenDatabase(), _time);
        var removed = 1;
        if (serial is null)
            removed = expected.RemoveUnused();
        else
            expected.Remove(serial);
        new Audit(Data, _time).Note(Actor.Here, "device.unexpect", serial ?? "all unused", after: serial is null ? $"{removed} serials" : null);
    }

    public async Task RemoveAsync(KeyId id, CancellationToken cancellation)
    {
        if (_client is not null)
        {
            await _client.DeleteAsync(Routes.Device(id), cancellation);
            return;
        }
        Verdicts.Remove(Actor.Here, id);
    }

    public async Task<IReadOnlyList<BlackBoxInfo>> BlackBoxesAsync(KeyId id, CancellationToken cancellation) => _client is null
        ? new BlackBoxes(Data.OpenDatabase(), _time).List(id)
        : (await _client.GetAsync(Routes.DeviceBlackBoxes(id), ProtocolJson.Default.BlackBoxList, cancellation)).Boxes;

    public async Task<BlackBoxInfo> BlackBoxAsync(KeyId id, string deployment, CancellationToken cancellation) => _client is null
        ? new BlackBoxes(Data.OpenDatabase(), _time).Read(id, deployment)
        : await _client.GetAsync($"{Routes.DeviceBlackBoxes(id)}/{deployment}", ProtocolJson.Default.BlackBoxInfo, cancellation);

    public void Dispose()
    {
        _client?.Dispose();
        _data?.Dispose();
    }

    private void Note(string verb, KeyId id, string? after = null) => new Audit(Data, _time).Note(Actor.Here, verb, id, after: after);
}
