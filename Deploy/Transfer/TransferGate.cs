using ContentTree.Deploy.Config;
using ContentTree.Deploy.State;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// What every byte of content passes: the rate, the day's budget and the quiet hours, for all connections together. The budget is
/// set aside on disk before it is used, so that a kill can only waste some of it.
/// </summary>
internal sealed class TransferGate : IDisposable
{
    private static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly DeviceStateFiles _state;
    private readonly AgentConfig _config;
    private readonly TimeProvider _clock;
    private TransferLimits _limits;
    private long _setAside;
    private long _free;

    public TransferGate(DeviceStateFiles state, AgentConfig config, TimeProvider clock)
    {
        (_state, _config, _clock) = (state, config, clock);
        _limits = TransferLimits.Strictest(config, state.Transfer.Policy);
    }

    /// <summary>Bytes a second; 0: no limit.</summary>
    public long MaxRate => _limits.MaxRate;

    /// <summary>Takes, and remembers, what the server asks for.</summary>
    public void Apply(TransferPolicy? policy)
    {
        var state = _state.Transfer;
        if (state.Policy != policy)
            _state.Transfer = state with { Policy = policy };
        _limits = TransferLimits.Strictest(_config, policy);
    }

    /// <exception cref="PausedException">It is quiet now, or the day's budget is used up.</exception>
    public void RequireOpen()
    {
        foreach (var quiet in _limits.Quiet)
        {
            if (quiet.Left(_clock) is var left && left > TimeSpan.Zero)
                throw new PausedException($"no downloads from {quiet.From:HH:mm} to {quiet.To:HH:mm}{(quiet.IsUtc ? " UTC" : "")}; what has arrived is kept", left);
        }
        lock (_lock)
        {
            if (_limits.DailyBudget > 0 && _setAside <= 0)
                SetAside();
        }
    }

    /// <summary>Counts bytes that came, and waits as long as the rate asks for.</summary>
    /// <exception cref="PausedException">No more may come now.</exception>
    public async Task PassAsync(int bytes, CancellationToken cancellation)
    {
        var wait = TimeSpan.Zero;
        lock (_lock)
        {
            _setAside -= _limits.DailyBudget > 0 ? bytes : 0;
            if (_limits.MaxRate > 0)
            {
                var now = _clock.GetTimestamp();
                var earliest = now - (long)(Burst.TotalSeconds * _clock.TimestampFrequency);
                _free = Math.Max(_free, earliest) + (long)(bytes * (double)_clock.TimestampFrequency / _limits.MaxRate);
                wait = _clock.GetElapsedTime(now, _free);
            }
        }
        if (wait > TimeSpan.Zero)
            await Task.Delay(wait, _clock, cancellation).ConfigureAwait(false);
        RequireOpen();
    }

    /// <summary>Gives back what was set aside and not used.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_setAside == 0)
                return;
            var state = _state.Transfer;
            _state.Transfer = state with { Bytes = Math.Max(0, state.Bytes - _setAside) };
            _setAside = 0;
        }
    }

    // Called with the lock. A share that costs few writes and wastes little when it is lost.
    private void SetAside()
    {
        var state = _state.Transfer;
        var today = DateOnly.FromDateTime(_clock.GetUtcNow().UtcDateTime);
        if (state.Day != today)
            state = state with { Day = today, Bytes = 0 };
        var budget = _limits.DailyBudget;
        // What came beyond the share counts as well.
        var used = state.Bytes - _setAside;
        var share = Math.Min(budget - used, Math.Clamp(budget / 64, 64 * 1024, 4 << 20));
        _setAside = Math.Max(0, share);
        _state.Transfer = state with { Bytes = used + _setAside };
        if (share <= 0)
        {
            var left = today.AddDays(1).ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc) - _clock.GetUtcNow();
            throw new PausedException($"the day's budget of {Sizes.Text(budget)} is used up; what has arrived is kept, and it goes on after midnight UTC", left);
        }
    }
}
