using System.Diagnostics;

namespace ContentTree.WeakLink;

/// <summary>Lets bytes through at a rate that all connections share.</summary>
internal sealed class Pace
{
    private readonly object _gate = new();
    private long _freeAt = Stopwatch.GetTimestamp();

    /// <summary>Waits until <paramref name="bytes"/> may pass at <paramref name="rate"/> bytes a second; 0 is no limit.</summary>
    public Task Wait(int bytes, long rate)
    {
        if (rate == 0)
            return Task.CompletedTask;
        lock (_gate)
        {
            var now = Stopwatch.GetTimestamp();
            _freeAt = Math.Max(_freeAt, now) + bytes * Stopwatch.Frequency / rate;
            return Task.Delay(Stopwatch.GetElapsedTime(now, _freeAt));
        }
    }
}
