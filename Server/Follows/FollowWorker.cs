using System.Text.Json.Nodes;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Storage;
using ContentTree.Server.Webhooks;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Follows;

/// <summary>Has branches follow their git repositories while a server runs. One that hangs or fails keeps no other waiting.</summary>
internal sealed class FollowWorker : IAsyncDisposable
{
    private const int MaxLooks = 8;

    private readonly FollowTable _table;
    private readonly Follower _follower;
    private readonly Outbox _outbox;
    private readonly TimeSpan _pause;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _ending = new();
    private readonly SemaphoreSlim _publishing = new(1);
    private readonly SemaphoreSlim _woken = new(0, 1);
    private readonly Dictionary<BranchName, Task> _looks = [];
    private readonly Task _task;

    public FollowWorker(DataDirectory data, TimeProvider time, TimeSpan pause, ILogger log)
    {
        _table = new FollowTable(data.OpenDatabase(), time);
        _follower = new Follower(data, time, _publishing) { IsServing = true };
        _outbox = new Outbox(data.OpenDatabase(), time);
        (_pause, _log) = (pause, log);
        _task = Task.Run(RunAsync);
    }

    /// <summary>Looks for work now.</summary>
    public void Wake()
    {
        try
        {
            _woken.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is about to look anyway.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _task;
        await Task.WhenAll(_looks.Values);
        _ending.Dispose();
        _publishing.Dispose();
        _woken.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_ending.IsCancellationRequested)
        {
            try
            {
                Begin();
                await _woken.WaitAsync(_pause, _ending.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                // A database that is busy or damaged now may be mended later.
                Log.FollowsFailed(_log, e);
                await Task.Delay(_pause, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Begin()
    {
        foreach (var (branch, _) in _looks.Where(look => look.Value.IsCompleted).ToArray())
            _looks.Remove(branch);
        foreach (var branch in _table.Due().Where(branch => !_looks.ContainsKey(branch)).Take(MaxLooks - _looks.Count))
            _looks.Add(branch, Task.Factory.StartNew(() => Look(branch), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
    }

    private void Look(BranchName branch)
    {
        try
        {
            var before = _table.TryFind(branch)?.State;
            if (_follower.Run(branch, wait: false, _ending.Token)?.State is not { } after)
                return;
            if (after.Error is null && after.Commit is { } commit && after.Published != before?.Published)
                Log.Followed(_log, branch, after.Published ?? "", commit, after.Sequence ?? 0);
            else if (after.Error is { } error && error != before?.Error)
                Tell(branch, after.Seen, error);
            // Asked again meanwhile.
            if (after.Asked > after.Answered)
                Wake();
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            Log.FollowsFailed(_log, e);
        }
    }

    private void Tell(BranchName branch, string? revision, string error)
    {
        Log.NotFollowed(_log, branch, error);
        _outbox.Add(WebhookEvent.FollowFailed, new JsonObject { ["branch"] = branch.ToString(), ["revision"] = revision, ["error"] = error });
    }
}
