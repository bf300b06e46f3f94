using System.Text;
using ContentTree.Server.Commands;
using ContentTree.Server.Publishing;
using ContentTree.Server.Publishing.Sources.Git;
using ContentTree.Server.Storage;
using ContentTree.Server.Trust;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Follows;

/// <summary>
/// Looks where a git repository is, and publishes a revision that the branch has not got. Whatever goes wrong is written down: the branch
/// stays where it is, and the next revision has its chance.
/// </summary>
/// <param name="publishing">Held while one publishes: reading a tree takes the whole machine.</param>
internal sealed class Follower(DataDirectory data, TimeProvider time, SemaphoreSlim? publishing = null)
{
    private static readonly TimeSpan LongestFetch = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromHours(6);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMinutes(1);

    private readonly FollowTable _table = new(data.OpenDatabase(), time);

    /// <summary>Keys that sign beside those of the server's own directory.</summary>
    public IReadOnlyList<ISigner> Signers { get; init; } = [];

    /// <summary>A running server signs only where its settings let it.</summary>
    public bool IsServing { get; init; }

    /// <summary>Looks once.</summary>
    /// <param name="wait">For another process that is at it.</param>
    /// <returns>What came of it, or null when another process is at it or the branch follows nothing any more.</returns>
    public FollowRow? Run(BranchName branch, bool wait, CancellationToken cancellation)
    {
        using var turn = TryLock(branch, wait);
        if (turn is null || _table.TryFind(branch) is not { } row)
            return null;
        if (Resolve(row, cancellation) is { } revision)
            Take(row, revision, cancellation);
        return _table.TryFind(branch);
    }

    // One at a time for each branch, whichever process it is; the lock ends with the process.
    private HeldLock? TryLock(BranchName branch, bool wait)
    {
        var name = Encoding.ASCII.GetBytes($"follow-{ObjectId.Of(Encoding.UTF8.GetBytes(branch.ToString())).ToString()[..32]}.lock");
        var file = Posix.OpenOrCreateAt(data.Cache, name, 0x180);
        if (Posix.TryLock(file, exclusive: true, wait, "lock of a follow"))
            return new HeldLock(file);
        file.Dispose();
        return null;
    }

    private string? Resolve(FollowRow row, CancellationToken cancellation)
    {
        using var late = new CancellationTokenSource(LongestFetch);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        try
        {
            return new GitMirror(Path.Combine(data.Path, GitMirror.Folder), row.Follow.Address).Resolve(row.Follow.Address.Revision, stop.Token);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            var failure = e is OperationCanceledException ? new Failure(ExitCode.Unreachable, $"{row.Follow.Shown} was not fetched in {LongestFetch.TotalMinutes} minutes") : Failure.Of(e);
            _table.RecordUnseen(row, failure.Code, failure.Message, NextAfter(row, (row.State.Failures ?? 0) + 1));
            return null;
        }
    }

    private void Take(FollowRow row, string revision, CancellationToken cancellation)
    {
        if (revision == row.State.Published)
            _table.RecordSeen(row, revision, NextAfter(row, 0), isFine: true);
        else if (revision == row.Failed && row.Retry > time.GetUtcNow())
            _table.RecordSeen(row, revision, NextAfter(row, 0), isFine: false);
        else
            Publish(row, revision, cancellation);
    }

    private void Publish(FollowRow row, string revision, CancellationToken cancellation)
    {
        publishing?.Wait(cancellation);
        try
        {
            if (IsServing && ServerSettings.Load(data.Path).KeepsReleaseKeysElsewhere)
                throw new KeysElsewhereException(row.Follow.Settings.Branch);
            var published = new Publisher(data, time).Publish(row.Follow.Options(revision) with { Signers = Signers }, cancellation);
            _table.RecordPublished(row, revision, published.Commit, published.Sequence, NextAfter(row, 0));
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            var failure = Failure.Of(e);
            _table.RecordFailed(row, revision, failure.Code, failure.Message, time.GetUtcNow() + RetryAfter(row, revision), NextAfter(row, 0));
        }
        finally
        {
            publishing?.Release();
        }
    }

    // Not all at once after an outage.
    private DateTimeOffset NextAfter(FollowRow row, long failures)
    {
        var pause = row.Follow.Every * Math.Pow(2, Math.Min(failures, 20));
        var longest = row.Follow.Every > LongestPause ? row.Follow.Every : LongestPause;
        return time.GetUtcNow() + (pause > longest ? longest : pause) * (0.75 + Random.Shared.NextDouble() / 2);
    }

    // What a revision lacks it mostly lacks for ever; a full disk or a submodule's server may be better later.
    private static TimeSpan RetryAfter(FollowRow row, string revision)
    {
        var pause = FirstRetry * Math.Pow(2, Math.Min(row.Failed == revision ? row.Attempts : 0, 20));
        return pause > LongestRetry ? LongestRetry : pause;
    }
}
