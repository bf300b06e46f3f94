using ContentTree.Server.Endpoints;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Compositions;

/// <summary>Brings composed branches to where their parts are while a server runs, whoever moved those.</summary>
internal sealed class CompositionWorker : IAsyncDisposable
{
    private const string Work = "compositions";

    private readonly DataDirectory _data;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Leases _leases;
    private readonly BackgroundLoop _loop;
    private readonly Dictionary<BranchName, string> _told = [];
    private ObjectId? _seen;

    public CompositionWorker(DataDirectory data, TimeProvider time, TimeSpan pause, ILogger log)
    {
        (_data, _time, _log) = (data, time, log);
        _leases = new Leases(data.OpenDatabase(), time);
        _loop = new BackgroundLoop(pause, Look, e => Log.CompositionsFailed(log, e));
    }

    public async ValueTask DisposeAsync()
    {
        await _loop.DisposeAsync();
        _leases.Dispose();
    }

    // As long as no head and no recipe is another one, nothing can come to anything else.
    private void Look(CancellationToken cancellation)
    {
        var recipes = new RecipeBook(_data).Read();
        if (recipes.Count == 0)
            return;
        var state = State(recipes);
        if (state == _seen || !_leases.TryHold(Work))
            return;
        foreach (var composed in Composer.RunAll(_data, _time, new RecipeBook(_data).Load(), () => GoOn(cancellation)))
            Tell(composed);
        _seen = state;
    }

    private void GoOn(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        _leases.Keep(Work);
    }

    private ObjectId State(IReadOnlyDictionary<string, string> recipes)
    {
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        foreach (var (name, text) in recipes)
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes($"{name}\0{text}\0"));
        foreach (var branch in _data.Repository.Heads.List())
            hash.AppendData(_data.Repository.Heads.ReadNewest(branch) ?? []);
        return new ObjectId(hash.GetHashAndReset());
    }

    private void Tell(ComposedBranch composed)
    {
        if (composed.IsNew && composed.Head is { } head)
            Log.Composed(_log, head.Branch, head.Commit, head.Sequence);
        if (composed.Refusal is not { } refusal)
            _told.Remove(composed.Branch);
        else if (_told.GetValueOrDefault(composed.Branch) != refusal)
            Log.NotComposed(_log, composed.Branch, _told[composed.Branch] = refusal);
    }
}
