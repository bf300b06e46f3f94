using ContentTree.Server.Endpoints;
using ContentTree.Server.Storage;
using ContentTree.Server.Webhooks;

namespace ContentTree.Server.Fleet;

/// <summary>Looks for devices that have fallen silent while a server runs. Who could not reach the server while it was away is given time to come back first.</summary>
internal sealed class SilenceWorker : IAsyncDisposable
{
    // Devices vary their intervals by a fifth.
    private const double Grace = 1.25;

    // The longest that devices usually wait before they ask again a server that they did not reach.
    private static readonly TimeSpan LongestRetry = TimeSpan.FromHours(1);

    private readonly DataDirectory _data;
    private readonly Silences _silences;
    private readonly Leases _leases;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly DateTimeOffset _from;
    private readonly BackgroundLoop _loop;

    public SilenceWorker(DataDirectory data, TimeProvider time, TimeSpan interval, TimeSpan pause, ILogger log)
    {
        (_data, _time, _log) = (data, time, log);
        var database = data.OpenDatabase();
        _silences = new Silences(database, new Outbox(database, time), time, interval);
        _leases = new Leases(database, time);
        var now = time.GetUtcNow();
        _from = now + GraceAfter(now - (_silences.Newest() ?? now), interval);
        _loop = new BackgroundLoop(pause, Look, e => Log.SilencesFailed(log, e));
    }

    /// <summary>What devices get after a start. The longer the server was away, the longer they wait until they try again.</summary>
    public static TimeSpan GraceAfter(TimeSpan away, TimeSpan interval) =>
        interval * Grace + (away < interval ? TimeSpan.Zero : away < LongestRetry ? away : LongestRetry);

    public async ValueTask DisposeAsync()
    {
        await _loop.DisposeAsync();
        _leases.Dispose();
    }

    private void Look(CancellationToken cancellation)
    {
        // Of servers that share a database one tells.
        if (!_leases.TryHold("silences"))
            return;
        if (_time.GetUtcNow() >= _from && _silences.Mark(ServerSettings.Load(_data.Path).SilentPolls) is > 0 and var count)
            Log.FellSilent(_log, count);
        _silences.Tell();
    }
}
