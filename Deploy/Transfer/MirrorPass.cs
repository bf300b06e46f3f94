using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Takes from the mirrors what they have, object by object, before the server is asked for the rest in packs. A mirror that fails is
/// done with; so are all of them when they lack one object after the other, since asking them costs time as well.
/// </summary>
internal sealed class MirrorPass(Sources sources, TimeProvider clock)
{
    // As many as a mirror may lack between two that it has: the newest version's own among those of all versions.
    private const int Patience = 64;

    private const int ProgressBytes = 64 * 1024;

    private readonly HashSet<Source> _gone = [];
    private int _missed;

    /// <summary>There is nothing more to be had from mirrors.</summary>
    public bool IsOver
    {
        get
        {
            lock (_gone)
                return _missed >= Patience || _gone.Count == sources.Mirrors.Count;
        }
    }

    /// <summary>Asks one mirror after the other.</summary>
    /// <param name="ask">Asks one; it throws when that has it not, or not as it should be.</param>
    /// <param name="kept">Bytes that a failure does not lose: where they grew, the same mirror is asked to go on.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Whether one of them had it.</returns>
    public async Task<bool> TryAsync(Func<Source, Task> ask, Func<long> kept, CancellationToken cancellation)
    {
        foreach (var mirror in sources.Mirrors)
        {
            if (!IsGone(mirror) && await TryAsync(mirror, ask, kept, cancellation).ConfigureAwait(false))
            {
                lock (_gone)
                    _missed = 0;
                return true;
            }
        }
        lock (_gone)
            _missed++;
        return false;
    }

    private bool IsGone(Source mirror)
    {
        lock (_gone)
            return _gone.Contains(mirror);
    }

    private async Task<bool> TryAsync(Source mirror, Func<Source, Task> ask, Func<long> kept, CancellationToken cancellation)
    {
        for (var failures = 1; ; failures++)
        {
            var (begun, before) = (clock.GetTimestamp(), kept());
            try
            {
                await ask(mirror).ConfigureAwait(false);
                mirror.Moved();
                return true;
            }
            catch (Exception e) when (e is CorruptObjectException or StoppedException { Code: ExitCode.NotFound or ExitCode.NotAuthorised })
            {
                return false;
            }
            catch (ServerUnreachableException e)
            {
                mirror.Failed(begun, e.RetryAfter);
                if (kept() < before + ProgressBytes || failures == sources.Attempts || mirror.Rest > Backoff.LongestAsked)
                {
                    lock (_gone)
                        _gone.Add(mirror);
                    return false;
                }
                await Task.Delay(mirror.Rest, clock, cancellation).ConfigureAwait(false);
            }
        }
    }
}
