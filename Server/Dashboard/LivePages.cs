namespace ContentTree.Server.Dashboard;

/// <summary>
/// Tells open pages that something has changed, as server-sent events; they then ask for themselves again. One look at the database and the
/// heads serves all of them, and the more pages are open the less often they are told.
/// </summary>
internal sealed class LivePages(Gate gate, ChangeWatch watch, TimeProvider time) : IDisposable
{
    private const int MaxPages = 1000;
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StepOfPage = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(20);

    private readonly CancellationTokenSource _ended = new();
    private int _pages;

    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/live", gate.GroupPage(TellAsync));

    public void Dispose()
    {
        _ended.Cancel();
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
        // What has changed since the page was made is told at once.
        var (told, beat) = (context.Request.Query["seen"].ToString(), time.GetUtcNow());
        while (true)
        {
            var version = watch.Look();
            if (version != told || time.GetUtcNow() - beat >= Beat)
            {
                await context.Response.WriteAsync(version == told ? ": still here\n\n" : "event: change\ndata: \n\n", ended);
                await context.Response.Body.FlushAsync(ended);
                (told, beat) = (version, time.GetUtcNow());
            }
            await Task.Delay(Pause, time, ended);
        }
    }

    private TimeSpan Pause => StepOfPage * Volatile.Read(ref _pages) is var pause && pause > Step ? pause : Step;
}
