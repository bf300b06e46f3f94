using ContentTree.Store.Repositories;

namespace ContentTree.Deploy.Pages;

/// <summary>Takes the device's lock for what people ask for on the page, while the agent may be at work.</summary>
internal sealed class PageLock(DeviceRoot root, TimeProvider clock)
{
    // A poll ends within that; a download of hours is nobody's to wait for.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan BeforeSayingSo = TimeSpan.FromSeconds(3);

    /// <exception cref="StoreLockedException">Somebody else has had it for longer than people wait.</exception>
    public async Task<DeviceLock> TakeAsync(CancellationToken cancellation)
    {
        for (var begun = clock.GetTimestamp(); ;)
        {
            try
            {
                return await TryAsync(cancellation).ConfigureAwait(false);
            }
            catch (StoreLockedException) when (clock.GetElapsedTime(begun) < Patience)
            {
                await Task.Delay(Pause, clock, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Waits for as long as it takes.</summary>
    /// <param name="goesOn">Asked before each try; whether it is still worth one.</param>
    /// <param name="waits">Hears who has it instead.</param>
    /// <returns>Null when it was not worth it any more.</returns>
    public async Task<DeviceLock?> TakeAtLastAsync(Func<bool> goesOn, Action<StoreLockedException> waits, CancellationToken cancellation)
    {
        for (var begun = clock.GetTimestamp(); goesOn();)
        {
            try
            {
                return await TryAsync(cancellation).ConfigureAwait(false);
            }
            catch (StoreLockedException e)
            {
                var waited = clock.GetElapsedTime(begun);
                if (waited >= BeforeSayingSo)
                    waits(e);
                await Task.Delay(waited >= Patience ? LongPause : Pause, clock, cancellation).ConfigureAwait(false);
            }
        }
        return null;
    }

    private Task<DeviceLock> TryAsync(CancellationToken cancellation) => DeviceLock.TakeAsync(root, "agent, for its page", wait: false, cancellation);
}
