using System.Diagnostics;
using ContentTree.Server.Commands;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Deltas;

/// <summary>
/// Makes deltas beside a server, one at a time and after everything else on the machine: from the last commits of each branch to
/// its newest, whoever moved it, and those that devices asked for, these first. Stopped at any byte it goes on with the parts it has.
/// </summary>
internal sealed class DeltaWorker : IAsyncDisposable
{
    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(3);

    private readonly DataDirectory _data;
    private readonly DeltaStore _deltas;
    private readonly ServerOptions _options;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _ending = new();
    private readonly AutoResetEvent _asked = new(false);
    private readonly Dictionary<BranchName, ObjectId> _seen = [];
    private readonly Queue<DeltaPair> _recent = [];
    private readonly Thread? _thread;

    public DeltaWorker(DataDirectory data, DeltaStore deltas, TimeProvider time, ServerOptions options, ILogger log)
    {
        (_data, _deltas, _options, _log) = (data, deltas, options, log);
        Published = new PublishedCommits(data, time);
        if (options.Deltas == 0)
            return;
        _thread = new Thread(Run) { IsBackground = true, Name = "deltas" };
        _thread.Start();
    }

    /// <summary>Whether it makes any.</summary>
    public bool IsOn => _thread is not null;

    /// <summary>The commits that devices may ask about.</summary>
    public PublishedCommits Published { get; }

    private DeltaQueue Queue { get; } = new();

    /// <summary>Has a delta made soon.</summary>
    public DeltaQueueing Ask(DeltaPair pair)
    {
        var queueing = Queue.TryAdd(pair);
        if (queueing == DeltaQueueing.Queued)
            _asked.Set();
        return queueing;
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        // A part that takes longer to stop ends with the process.
        if (_thread is not null && !await Task.Run(() => _thread.Join(EndTime)))
            return;
        _ending.Dispose();
        _asked.Dispose();
    }

    private void Run()
    {
        Posix.LowerThreadPriority();
        while (!_ending.IsCancellationRequested)
        {
            try
            {
                Look();
                if (Queue.Take() is { } asked)
                    Queue.Finish(asked, !TryMake(asked));
                else if (_recent.TryDequeue(out var recent))
                    TryMake(recent);
                else
                    WaitHandle.WaitAny([_asked, _ending.Token.WaitHandle], _options.HeadScan);
            }
            catch (OperationCanceledException)
            {
                // The end, and nothing to tell about it.
            }
            catch (Exception e)
            {
                // A damaged head or a full disk now may be mended later: the thread has to outlive it.
                Log.DeltasFailed(_log, e);
                _ending.Token.WaitHandle.WaitOne(_options.HeadScan);
            }
        }
    }

    // Whose newest head is another one than last time is looked at closer. A pair is put down once for each move: what fails waits for the next.
    private void Look()
    {
        foreach (var branch in _data.Repository.Heads.List())
        {
            if (_data.Repository.Heads.ReadNewest(branch) is not { } bytes)
                continue;
            var id = ObjectId.Of(bytes);
            if (_seen.TryGetValue(branch, out var seen) && seen == id)
                continue;
            _seen[branch] = id;
            if (Published.Recent(branch, _options.Deltas) is not var (newest, earlier))
                continue;
            foreach (var commit in earlier.Where(c => IsThere(c) && _deltas.Find(c, newest) is null))
                _recent.Enqueue(new DeltaPair(commit, newest));
        }
    }

    private bool IsThere(ObjectId commit) => _data.Repository.Contains(new ObjectName(ObjectKind.Commit, commit));

    // One delta serves all branches that come to the commit: it is the smaller one unless each of them wants the faster.
    private bool PrefersSpeed(ObjectId to)
    {
        var (settings, branches) = (ServerSettings.Load(_data.Path), Published.BranchesOf(to));
        return branches.Count > 0 && branches.All(settings.PrefersFastDeltas);
    }

    private bool TryMake(DeltaPair pair)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            var options = new DeltaOptions { InBackground = true, PreferSpeed = PrefersSpeed(pair.To) };
            var made = _deltas.Make(pair.From, pair.To, options, null, _ending.Token);
            if (made.Made is { } cost)
                Log.DeltaMade(_log, pair.From, pair.To, made.Offer.Bytes, cost.Cpu.TotalSeconds, watch.Elapsed.TotalSeconds, cost.Header.Parts.Count, cost.KnownParts);
            _deltas.Trim(_options.DeltaQuota, _options.PartQuota, Published.Newest(), _ending.Token);
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Log.DeltaFailed(_log, pair.From, pair.To, Failure.Of(e).Message);
            return false;
        }
    }
}
