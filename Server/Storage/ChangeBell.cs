using System.Data.Common;
using ContentTree.Server.Endpoints;

namespace ContentTree.Server.Storage;

/// <summary>
/// Rings when any of the servers that share a database has written what others wait for: what devices said that is new, what was said of them, what is
/// to be told. Whoever misses it, as a server whose connection broke does, sees the same at his next look.
/// </summary>
internal sealed class ChangeBell : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _ending = new();
    private readonly Task _listening;
    private TaskCompletionSource _next = New();
    private long _rings;

    public ChangeBell(Database database, ILogger log) => _listening = database.IsShared ? Task.Run(() => ListenAsync(database, log)) : Task.CompletedTask;

    /// <summary>How often it rang.</summary>
    public long Rings => Interlocked.Read(ref _rings);

    /// <summary>Ends when it rings next.</summary>
    public Task Next => Volatile.Read(ref _next).Task;

    /// <summary>Rings it at every server once the caller's transaction is there; nothing where nobody else can have the database.</summary>
    public static void Ring(DbConnection connection) => PostgresDatabase.TryNotify(connection);

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _listening;
        _ending.Dispose();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task ListenAsync(Database database, ILogger log)
    {
        var isTold = false;
        while (!_ending.IsCancellationRequested)
        {
            try
            {
                await database.ListenAsync(() =>
                {
                    isTold = false;
                    Heard();
                }, _ending.Token);
            }
            catch (Exception e) when (e is DbException or InvalidOperationException or OperationCanceledException or IOException or TimeoutException)
            {
                if (!isTold && !_ending.IsCancellationRequested)
                    Log.NotListening(log, e);
                isTold = true;
            }
            await Task.Delay(Pause, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Heard()
    {
        Interlocked.Increment(ref _rings);
        Interlocked.Exchange(ref _next, New()).TrySetResult();
    }
}
