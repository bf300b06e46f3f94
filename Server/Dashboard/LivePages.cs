using ContentTree.Server.Storage;

namespace ContentTree.Server.Dashboard;

/// <summary>
/// Tells open pages that something has changed, as server-sent events; they then ask for themselves again. One look at the database and the
/// heads serves all of them, and the more pages are open the less often they are told.
/// </summary>
internal sealed class LivePages(Gate gate, DataDirectory data, Database database, TimeProvider time) : IDisposable
{
    private const int MaxPages = 1000;
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StepOfPage = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(20);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _ended = new();
    private int _pages;
    private long _version;
    private DateTimeOffset _looked;
    private Microsoft.Data.Sqlite.SqliteConnection? _connection;
    private (long Database, long Heads) _seen;

    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/live", gate.Page(TellAsync));

    public void Dispose()
    {
        _ended.Cancel();
        lock (_lock)
            _connection?.Dispose();
        _ended.Dispose();
    }

    private async Task TellAsync(Visitor visitor)
    {
        if (Interlocked.Increment(ref _pages) > MaxPages)
        {
            Interlocked.Decrement(ref _pages);
            visitor.Context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(visitor.Context.RequestAborted, _ended.Token);
        try
        {
            await TellAsync(visitor.Context, ended.Token);
        }
        catch (OperationCanceledException)
        {
        }
        finally
        {
            Interlocked.Decrement(ref _pages);
        }
    }

    private async Task TellAsync(HttpContext context, CancellationToken ended)
    {
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        await context.Response.WriteAsync("retry: 5000\n\n", ended);
        await context.Response.Body.FlushAsync(ended);
        var (told, beat) = (Look(), time.GetUtcNow());
        while (true)
        {
            await Task.Delay(Pause, time, ended);
            var version = Look();
            if (version == told && time.GetUtcNow() - beat < Beat)
                continue;
            await context.Response.WriteAsync(version == told ? ": still here\n\n" : "event: change\ndata: \n\n", ended);
            await context.Response.Body.FlushAsync(ended);
            (told, beat) = (version, time.GetUtcNow());
        }
    }

    private TimeSpan Pause => StepOfPage * Volatile.Read(ref _pages) is var pause && pause > Step ? pause : Step;

    private long Look()
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (now - _looked < Step / 2 || _ended.IsCancellationRequested)
                return _version;
            _looked = now;
            // Only a connection that stays open hears of what others have written.
            _connection ??= database.Connect();
            var seen = (_connection.Query("PRAGMA data_version", row => row.GetInt64(0))[0], HeadsVersion());
            if (seen != _seen)
                (_seen, _version) = (seen, _version + 1);
            return _version;
        }
    }

    private long HeadsVersion()
    {
        long version = 0;
        try
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(data.Repository.Path, "heads"), "*", SearchOption.AllDirectories))
                version = HashCode.Combine(version, file, File.GetLastWriteTimeUtc(file).Ticks);
        }
        catch (IOException)
        {
            // A branch that goes away while it is looked at is a change as well.
            version = _version + 1;
        }
        return version;
    }
}
