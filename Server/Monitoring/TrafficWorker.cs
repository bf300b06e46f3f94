using ContentTree.Server.Endpoints;

namespace ContentTree.Server.Monitoring;

/// <summary>Writes down every minute what this process has sent to devices, and once more when it ends.</summary>
internal sealed class TrafficWorker : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private readonly TrafficBook _book;
    private readonly RequestMetrics _requests;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly BackgroundLoop _loop;
    private (long Sent, long Saved, long Found, long Missed) _written;

    public TrafficWorker(TrafficBook book, RequestMetrics requests, TimeProvider time, ILogger log)
    {
        (_book, _requests, _time, _log) = (book, requests, time, log);
        _loop = new BackgroundLoop(Pause, _ => Write(), Failed);
    }

    public async ValueTask DisposeAsync()
    {
        await _loop.DisposeAsync();
        try
        {
            Write();
        }
        catch (Exception e) when (e is System.Data.Common.DbException or IOException)
        {
            Failed(e);
        }
    }

    private void Write()
    {
        var now = (Sent: _requests.Bytes.Where(b => b.Key != RequestMetrics.Other).Sum(b => b.Value), _requests.Saved, _requests.Found, _requests.Missed);
        if (now == _written)
            return;
        _book.Add(_time.GetUtcNow(), now.Sent - _written.Sent, now.Saved - _written.Saved, now.Found - _written.Found, now.Missed - _written.Missed);
        _written = now;
    }

    private void Failed(Exception e) => Log.TrafficFailed(_log, e);
}
