using System.Security.Cryptography;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Fleet.Rollouts;

/// <summary>Keeps what is written beside devices up to date, and takes rollouts on, while a server runs. It remembers nothing that it would miss.</summary>
internal sealed class RolloutWorker : IAsyncDisposable
{
    private const string Work = "rollouts";

    private readonly DataDirectory _data;
    private readonly Database _database;
    private readonly Decisions _decisions;
    private readonly RolloutSteps _steps;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Leases _leases;
    private readonly BackgroundLoop _loop;
    private (long Stamp, ObjectId Heads)? _seen;
    private DateTimeOffset _last = DateTimeOffset.MinValue;

    public RolloutWorker(DataDirectory data, Database database, Decisions decisions, TimeProvider time, TimeSpan pause, ILogger log, ChangeBell? bell = null)
    {
        (_data, _database, _decisions, _time, _log) = (data, database, decisions, time, log);
        _steps = new RolloutSteps(data, database, decisions, time);
        _leases = new Leases(database, time);
        _loop = new BackgroundLoop(pause, Look, e => Log.RolloutsFailed(log, e), bell);
    }

    public async ValueTask DisposeAsync()
    {
        await _loop.DisposeAsync();
        _leases.Dispose();
    }

    /// <summary>One look: plans, then what stands beside devices, then rollouts. In that order: a rollout counts its devices by what stands beside them.</summary>
    /// <param name="isChanged">Something was said, or a head moved, since the last look.</param>
    /// <param name="written">The stamp at which what stands beside devices was looked at.</param>
    /// <param name="tell">Hears of every rollout that moved.</param>
    /// <param name="goOn">Called between steps; throws where no other may follow.</param>
    public static void Look(Database database, Decisions decisions, RolloutSteps steps, bool isChanged, long written, Action<Rollout> tell, Action goOn)
    {
        using var connection = database.Connect();
        foreach (var policy in PolicyBook.Shared(connection).Where(p => p.Plan is not null))
        {
            foreach (var branch in PolicyChanges.BranchesOf(connection, policy.Scope).Take(1))
            {
                goOn();
                if (Try(() => steps.StartPlanned(connection, policy, branch)) is { } started)
                {
                    isChanged = true;
                    tell(started);
                }
            }
        }
        var stamp = FleetStamp.Read(connection);
        if (isChanged)
            decisions.Refresh(goOn);
        // What was said meanwhile does not stand beside devices yet: the next look counts them.
        if (stamp != FleetStamp.Read(connection) || (!isChanged && stamp != written))
            return;
        foreach (var rollout in RolloutBook.Newest(connection).Where(r => r.IsActive))
        {
            goOn();
            if (Try(() => steps.Follow(connection, rollout)) is { } next && (next.State != rollout.State || next.Wave != rollout.Wave))
                tell(next);
        }
    }

    // A person was quicker, or something stands in the way of this one: the others go on.
    private static Rollout? Try(Func<Rollout?> step)
    {
        try
        {
            return step();
        }
        catch (FleetConflictException)
        {
            return null;
        }
    }

    private void Look(CancellationToken cancellation)
    {
        if (!_leases.TryHold(Work))
        {
            // Another server looks; what it has not come to when it ends is a change for this one.
            _seen = null;
            return;
        }
        var now = _time.GetUtcNow();
        var seen = (Stamp(now), Heads());
        Look(_database, _decisions, _steps, seen != _seen, seen.Item1, rollout => Log.RolloutMoved(_log, rollout.Id, rollout.Scope, rollout.State, rollout.Wave + 1, rollout.Note), () => GoOn(cancellation));
        (_seen, _last) = (seen, now);
    }

    // A look at a large fleet may last longer than a lease.
    private void GoOn(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        _leases.Keep(Work);
    }

    // What ends by itself since the last look counts as a change too.
    private long Stamp(DateTimeOffset now)
    {
        using var connection = _database.Connect();
        var ended = connection.Query("SELECT count(*) FROM policies WHERE expires > $last AND expires <= $now", row => row.GetInt64(0),
            ("$last", _last == DateTimeOffset.MinValue ? DateTimeOffset.UnixEpoch : _last), ("$now", now))[0];
        return ended > 0 ? -1 : FleetStamp.Read(connection);
    }

    private ObjectId Heads()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var branch in _data.Repository.Heads.List())
            hash.AppendData(_data.Repository.Heads.ReadNewest(branch) ?? []);
        return new ObjectId(hash.GetHashAndReset());
    }
}
