using ContentTree.Server.Storage;

namespace ContentTree.Server;

/// <summary>Does something again and again while a server runs, on a task of its own, until it is disposed of. What fails now is tried again: it may be mended later.</summary>
internal sealed class BackgroundLoop : IAsyncDisposable
{
    // What rings often is looked at together.
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _ending = new();
    private readonly Task _task;

    /// <param name="pause">Between two looks.</param>
    /// <param name="look">What is done; ends soon when it is asked to.</param>
    /// <param name="tell">Hears why a look failed.</param>
    /// <param name="bell">Shortens the pause when it rings.</param>
    public BackgroundLoop(TimeSpan pause, Action<CancellationToken> look, Action<Exception> tell, ChangeBell? bell = null) => _task = Task.Run(() => RunAsync(pause, look, tell, bell));

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _task;
        _ending.Dispose();
    }

    /// <summary>Waits so long, or until the bell rings.</summary>
    public static async Task RestAsync(TimeSpan pause, Task? ring, CancellationToken cancellation)
    {
        if (ring is null || pause <= Least)
        {
            await Task.Delay(pause, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }
        await Task.Delay(Least, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var rest = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAny(ring, Task.Delay(pause - Least, rest.Token));
        await rest.CancelAsync();
    }

    private async Task RunAsync(TimeSpan pause, Action<CancellationToken> look, Action<Exception> tell, ChangeBell? bell)
    {
        while (!_ending.IsCancellationRequested)
        {
            // What rings while it looks is for the next look.
            var ring = bell?.Next;
            try
            {
                look(_ending.Token);
            }
            catch (OperationCanceledException) when (_ending.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                tell(e);
            }
            await RestAsync(pause, ring, _ending.Token);
        }
    }
}
