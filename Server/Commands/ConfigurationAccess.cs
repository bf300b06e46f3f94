using System.CommandLine;
using ContentTree.Server.Auditing;
using ContentTree.Server.Client;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using Microsoft.Extensions.Logging.Abstractions;

namespace ContentTree.Server.Commands;

/// <summary>The configuration of devices in local data or on a running server: the same verbs for both.</summary>
internal sealed class ConfigurationAccess : IDisposable
{
    private readonly ServerClient? _client;
    private readonly DataDirectory? _data;
    private readonly TimeProvider _time;

    private ConfigurationAccess(ServerClient? client, DataDirectory? data, TimeProvider time) => (_client, _data, _time) = (client, data, time);

    public static ConfigurationAccess Open(CommandContext context, ParseResult parsed, Option<Uri?> server, Option<string?> token) =>
        CommandContext.Connect(parsed, server, token) is { } client ? new ConfigurationAccess(client, null, context.Time) : new ConfigurationAccess(null, context.OpenData(parsed), context.Time);

    private DataDirectory Data => _data ?? throw new System.Diagnostics.UnreachableException();

    private ConfigurationChanges Local => field ??= new ConfigurationChanges(Data, Data.OpenDatabase(), _time);

    private Audit Audit => field ??= new Audit(Data, _time);

    public async Task<IReadOnlyList<ConfigurationKeyInfo>> KeysAsync(CancellationToken cancellation) =>
        _client is null ? Local.Keys() : (await _client.GetAsync(Routes.ConfigurationKeys, ProtocolJson.Default.ConfigurationKeyList, cancellation)).Keys;

    public async Task<ConfigurationKeyInfo> DefineAsync(ConfigurationKey name, ConfigurationKeyRequest request, CancellationToken cancellation)
    {
        if (_client is not null)
            return await _client.PutAsync(Routes.ConfigurationKey($"{name}"), request, ProtocolJson.Default.ConfigurationKeyRequest, ProtocolJson.Default.ConfigurationKeyInfo, cancellation);
        var key = Local.Define(name, request);
        ConfigurationNotes.Defined(Audit, Actor.Here, key);
        return key;
    }

    public async Task RemoveAsync(ConfigurationKey name, CancellationToken cancellation)
    {
        if (_client is null)
        {
            Local.Remove(name);
            ConfigurationNotes.Removed(Audit, Actor.Here, name);
        }
        else
            await _client.DeleteAsync(Routes.ConfigurationKey($"{name}"), cancellation);
    }

    public async Task<ConfigurationInfo> ShowAsync(ConfigurationScope scope, CancellationToken cancellation) =>
        _client is null ? Local.Show(scope) : await _client.GetAsync(Routes.ConfigurationOf($"{scope}"), ProtocolJson.Default.ConfigurationInfo, cancellation);

    public async Task<DeviceConfiguration> ShowDeviceAsync(KeyId device, CancellationToken cancellation) => _client is null
        ? new Configurations(Data, Data.OpenDatabase(), _time, NullLogger.Instance).Show(device)
        : await _client.GetAsync(Routes.DeviceConfiguration(device), ProtocolJson.Default.DeviceConfiguration, cancellation);

    public async Task<ConfigurationInfo> SetAsync(ConfigurationScope scope, ConfigurationRequest request, CancellationToken cancellation) => _client is null
        ? Noted("config.set", Local.Set(scope, request, Actor.Here.Name))
        : await _client.PutAsync(Routes.ConfigurationOf($"{scope}"), request, ProtocolJson.Default.ConfigurationRequest, ProtocolJson.Default.ConfigurationInfo, cancellation);

    public async Task<ConfigurationOutlook> PreviewAsync(ConfigurationScope scope, ConfigurationRequest request, CancellationToken cancellation) => _client is null
        ? Local.Preview(scope, request)
        : await _client.PostAsync(Routes.ConfigurationOf($"{scope}"), request, ProtocolJson.Default.ConfigurationRequest, ProtocolJson.Default.ConfigurationOutlook, cancellation);

    public async Task<ConfigurationInfo> RevertAsync(ConfigurationScope scope, ConfigurationRevertRequest request, CancellationToken cancellation) => _client is null
        ? Noted("config.revert", Local.Revert(scope, request, Actor.Here.Name))
        : await _client.PostAsync(Routes.ConfigurationHistoryOf($"{scope}"), request, ProtocolJson.Default.ConfigurationRevertRequest, ProtocolJson.Default.ConfigurationInfo, cancellation);

    public async Task<ConfigurationHistory> HistoryAsync(ConfigurationScope scope, int limit, CancellationToken cancellation) => _client is null
        ? Local.History(scope, limit)
        : await _client.GetAsync($"{Routes.ConfigurationHistoryOf($"{scope}")}?limit={limit}", ProtocolJson.Default.ConfigurationHistory, cancellation);

    public void Dispose()
    {
        _client?.Dispose();
        _data?.Dispose();
    }

    private ConfigurationInfo Noted(string verb, ConfigurationOutcome outcome)
    {
        ConfigurationNotes.Changed(Audit, Actor.Here, verb, outcome);
        return outcome.After;
    }
}
