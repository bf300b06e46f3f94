namespace ContentTree.Store.Deltas.Generation;

/// <summary>Steps that take tens of megabytes, one at a time: so workers together stay below what a server may use.</summary>
internal sealed class LargeSteps : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Runs a step alone among the large ones.</summary>
    public T Alone<T>(Func<T> step, CancellationToken cancellation)
    {
        _turn.Wait(cancellation);
        try
        {
            return step();
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();
}
