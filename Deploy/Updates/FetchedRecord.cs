using ContentTree.Deploy.Transfer;

namespace ContentTree.Deploy.Updates;

/// <summary>Writes down what a download costs: while it runs, and for good when it ends, however it ends.</summary>
internal sealed class FetchedRecord : IAsyncDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(2);

    private readonly Device _device;
    private readonly TransferCounters _counters;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _writing;

    public FetchedRecord(Device device, TransferCounters counters)
    {
        (_device, _counters) = (device, counters);
        _writing = WriteAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _device.State.Last = _device.State.Last with { Fetched = _counters.ToFetched() };
        _device.State.Fetching.Remove();
        _stop.Dispose();
    }

    private async Task WriteAsync()
    {
        using var timer = new PeriodicTimer(Step, _device.Clock);
        while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            _device.State.Fetching.Write(_counters.ToFetched());
    }
}
