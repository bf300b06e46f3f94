using ContentTree.Store.Protocol;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Brings one immutable file of a repository into a <see cref="SparsePart"/> by a few byte ranges side by side, low offsets first,
/// so that it can be read while it comes. What has come stays: a cut, a kill or a power cut costs only what was on its way. Whoever
/// reads it checks what it says; a wrong range is given back with <see cref="Distrust"/>.
/// </summary>
internal sealed class RangeDownload : IDisposable
{
    private const long FirstUnit = 32 * 1024;
    private const long LastUnit = 32 * 1024;
    private const long MinUnit = 128 * 1024;
    private const long MaxUnit = 4 << 20;
    private static readonly TimeSpan UnitTime = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly SparsePart _part;
    private readonly RangeRequest _request;
    private readonly RangeSources _sources;
    private readonly TransferCounters _counters;
    private readonly TimeProvider _clock;
    private readonly long? _announced;
    private readonly RangeSet _claimed = new([]);
    private readonly List<(ByteRange Range, TaskCompletionSource Done)> _waiting = [];
    private readonly ConnectionCount _connections;
    private Exception? _error;
    private bool _isPlain;
    private bool _isWithoutRanges;
    private double _rate;
    private long _windowBytes;
    private long _windowStart;
    private bool _isSettling;

    /// <param name="sources">Where it may come from.</param>
    /// <param name="incoming">The store's <c>incoming/</c>.</param>
    /// <param name="route">Its path in a repository, below <see cref="Routes.Repository"/>.</param>
    /// <param name="counters">Count what comes.</param>
    /// <param name="clock">The time.</param>
    /// <param name="length">Its bytes, if they are known; a source that says otherwise has another file.</param>
    public RangeDownload(
        Sources sources, SafeFileHandle incoming, string route, TransferCounters counters, TimeProvider clock, long? length = null)
    {
        (_counters, _clock, _announced) = (counters, clock, length);
        _part = new SparsePart(incoming, route[(route.LastIndexOf('/') + 1)..], clock);
        if (length is { } known && _part.Length != known)
            _part.Start(known);
        _connections = new ConnectionCount(sources.Connections);
        _sources = new RangeSources(sources, clock);
        _request = new RangeRequest(_part, route, length, Take, ClaimAll, counters);
        if (_part is { PresentBytes: > 0, IsComplete: false })
            counters.Resumed();
    }

    /// <summary>How long the total rate is measured before the number of connections may change.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Only what begins before this offset is fetched: a look at the start of a file, before all of it is wanted.</summary>
    public long Until { get; set; } = long.MaxValue;

    /// <summary>Bytes of the whole file; null before the first answer if nobody said so.</summary>
    public long? Length => _part.Length ?? _announced;

    /// <summary>Bytes that are on the disk.</summary>
    public long PresentBytes => _part.PresentBytes;

    /// <summary>How often the file turned out to be another one and began anew.</summary>
    public int Restarts => _request.Restarts;

    /// <summary>Fetches what is missing. May be called again after it failed, or after <see cref="Distrust"/>.</summary>
    /// <exception cref="ServerUnreachableException">No byte came from any source for as many attempts as are configured.</exception>
    /// <exception cref="StoppedException">No source has it.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        _error = null;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var running = new HashSet<Task>();
        try
        {
            _windowStart = _clock.GetTimestamp();
            while (true)
            {
                while (running.Count < _connections.Current && TryClaim() is { } unit)
                    running.Add(FetchAsync(unit, stop.Token));
                if (running.Count == 0)
                    break;
                // A look at the rate now and then: units of a slow link take longer.
                using var tick = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
                var done = await Task.WhenAny(running.Append(Task.Delay(Window, _clock, tick.Token))).ConfigureAwait(false);
                await tick.CancelAsync().ConfigureAwait(false);
                stop.Token.ThrowIfCancellationRequested();
                if (running.Remove(done))
                    await done.ConfigureAwait(false);
                Measure();
            }
            _part.Flush();
            Wake();
        }
        catch (Exception e)
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // Whatever happens here, those who wait must hear of it.
            Fail(e);
            TryFlush();
            throw;
        }
    }

    /// <summary>Completes when those bytes, as far as the file has them, are on the disk; fails when <see cref="RunAsync"/> does.</summary>
    public Task WaitForAsync(long from, long to, CancellationToken cancellation)
    {
        var range = new ByteRange(from, to);
        lock (_lock)
        {
            if (Has(range))
                return Task.CompletedTask;
            if (_error is { } error)
                return Task.FromException(error);
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((range, done));
            return done.Task.WaitAsync(cancellation);
        }
    }

    /// <summary>Reads bytes that <see cref="WaitForAsync"/> has promised.</summary>
    /// <returns>The number of bytes; 0 at the end of the file.</returns>
    public int Read(long offset, Span<byte> buffer) => _part.Read(offset, buffer);

    /// <summary>
    /// Those bytes are wrong: they are fetched again. A source that sent any of them is left out, the last one only when it does so
    /// twice.
    /// </summary>
    /// <exception cref="StoppedException">No source is left.</exception>
    public void Distrust(long from, long to)
    {
        _part.Forget(new ByteRange(from, to));
        _sources.Distrust(new ByteRange(from, to));
    }

    /// <summary>Nothing of it stays on the disk.</summary>
    public void Remove() => _part.Remove();

    /// <summary>What has come stays, also across a power cut.</summary>
    public void Dispose() => _part.Dispose();

    // After a failure, of which the disk may be the reason: then what is not flushed comes again after a power cut.
    private void TryFlush()
    {
        try
        {
            _part.Flush();
        }
        catch (IOException)
        {
        }
    }

    private RangeUnit? TryClaim()
    {
        lock (_lock)
        {
            if (_isPlain || (_claimed.Count > 0 && (_isWithoutRanges || _part.Length is null)))
                return null;
            var gap = _part.FirstGap(_claimed, Math.Min(UnitBytes(), Math.Max(LastUnit, Unclaimed() / (2 * _connections.Current))));
            if (gap.Length == 0 || gap.From >= Until)
                return null;
            if (gap.To > Until)
                gap = gap with { To = Until };
            _claimed.Add(gap);
            return new RangeUnit(gap, _part.Generation);
        }
    }

    // About what one connection brings in two seconds: short enough to come in order, long enough for its request to cost little.
    private long UnitBytes() =>
        _rate == 0 ? FirstUnit : Math.Clamp((long)(_rate * UnitTime.TotalSeconds / _connections.Current), MinUnit, MaxUnit);

    // Towards the end units become shorter, so that all connections end together and none waits for a last long one.
    private long Unclaimed() => _part.Length is { } length ? length - _part.BytesWith(_claimed) : long.MaxValue;

    private async Task FetchAsync(RangeUnit unit, CancellationToken cancellation)
    {
        try
        {
            var source = await _sources.PickAsync(cancellation).ConfigureAwait(false);
            var begun = _clock.GetTimestamp();
            try
            {
                await _request.RunAsync(source, unit, _sources.HasOther(source), cancellation).ConfigureAwait(false);
            }
            catch (ServerUnreachableException e)
            {
                _sources.Failed(source, begun, e, unit.HasMoved);
                if (_part.PresentBytes > 0)
                    _counters.Resumed();
            }
            catch (Exception e) when (e is WrongSourceException or StoppedException { Code: ExitCode.NotFound or ExitCode.NotAuthorised })
            {
                _sources.LeaveOut(source, e);
            }
        }
        finally
        {
            Release(unit);
        }
    }

    private void Release(RangeUnit unit)
    {
        lock (_lock)
        {
            if (unit.IsPlain)
                _isPlain = false;
            _claimed.Remove(unit.Range);
        }
    }

    // A source without ranges sends the file from its start: one stream for everything, as long as it lasts, and after a cut one again.
    private bool ClaimAll(RangeUnit unit)
    {
        lock (_lock)
        {
            if (_isPlain)
                return false;
            _isPlain = _isWithoutRanges = unit.IsPlain = true;
            unit.Position = 0;
            return true;
        }
    }

    // False when the file has started over meanwhile.
    private bool Take(Source source, RangeUnit unit, ReadOnlySpan<byte> piece)
    {
        _counters.Received(piece.Length);
        var range = new ByteRange(unit.Position, unit.Position + piece.Length);
        var isNew = !_part.Contains(range);
        if (isNew && !_part.Write(unit.Generation, range.From, piece))
            return false;
        unit.Position = range.To;
        unit.HasMoved |= isNew;
        if (!unit.IsPlain)
            _isWithoutRanges = false;
        _sources.Moved(source, range);
        Interlocked.Add(ref _windowBytes, piece.Length);
        Wake();
        return true;
    }

    private void Measure()
    {
        var elapsed = _clock.GetElapsedTime(_windowStart);
        if (elapsed < Window && _rate > 0)
            return;
        var bytes = Interlocked.Exchange(ref _windowBytes, 0);
        _windowStart = _clock.GetTimestamp();
        // A link that is down says nothing about how many connections help while it is up.
        if (bytes == 0)
            return;
        _rate = Math.Max(1, bytes / Math.Max(1e-3, elapsed.TotalSeconds));
        // A connection that was just added has to find its pace first.
        if (_isSettling)
        {
            _isSettling = false;
            return;
        }
        var before = _connections.Current;
        _connections.Measured(_rate);
        _isSettling = _connections.Current != before;
    }

    private void Wake()
    {
        lock (_lock)
        {
            foreach (var (_, done) in _waiting.Where(w => Has(w.Range)).ToArray())
                done.TrySetResult();
            _waiting.RemoveAll(w => w.Done.Task.IsCompleted);
        }
    }

    private void Fail(Exception error)
    {
        lock (_lock)
        {
            _error = error;
            foreach (var (_, done) in _waiting)
                done.TrySetException(error);
            _waiting.Clear();
        }
    }

    private bool Has(ByteRange range) => _part.Length is { } length && _part.Contains(range with { To = Math.Min(range.To, length) });
}
