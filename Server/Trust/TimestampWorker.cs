using ContentTree.Server.Endpoints;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Trust;

/// <summary>Keeps the timestamps of all branches fresh while a server runs, for web servers of plain files beside it, and says when it cannot.</summary>
internal sealed class TimestampWorker : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(10);

    private readonly Timestamps _timestamps;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _task;
    private IReadOnlyList<BranchName> _told = [];

    public TimestampWorker(Timestamps timestamps, TimeProvider time, ILogger log)
    {
        (_timestamps, _log) = (timestamps, log);
        _task = Task.Run(() => RunAsync(time));
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _task;
        _ending.Dispose();
    }

    private async Task RunAsync(TimeProvider time)
    {
        while (!_ending.IsCancellationRequested)
        {
            Refresh();
            await Task.Delay(Pause, time, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Refresh()
    {
        try
        {
            var unvouched = _timestamps.RefreshAll();
            foreach (var branch in unvouched.Except(_told))
                Log.NoTimestamp(_log, branch);
            _told = unvouched;
        }
        catch (Exception e)
        {
            // A full disk or a setting that cannot be read may be mended later: devices are told by what they do not get.
            Log.TimestampsFailed(_log, e);
        }
    }
}
