namespace ContentTree.Server;

/// <summary>Does something again and again while a server runs, on a task of its own, until it is disposed of. What fails now is tried again: it may be mended later.</summary>
internal sealed class BackgroundLoop : IAsyncDisposable
{
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _task;

    /// <param name="pause">Between two looks.</param>
    /// <param name="look">What is done; ends soon when it is asked to.</param>
    /// <param name="tell">Hears why a look failed.</param>
    public BackgroundLoop(TimeSpan pause, Action<CancellationToken> look, Action<Exception> tell) => _task = Task.Run(() => RunAsync(pause, look, tell));

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _task;
        _ending.Dispose();
    }

    private async Task RunAsync(TimeSpan pause, Action<CancellationToken> look, Action<Exception> tell)
    {
        while (!_ending.IsCancellationRequested)
        {
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
            await Task.Delay(pause, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
