using System.Security.Cryptography;
using ContentTree.Server.Commands;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Drafts;

/// <summary>Reads sources into drafts in the background, one at a time. No branch moves by it; what nobody publishes is garbage a day later.</summary>
internal sealed class DraftMaker(DataDirectory data, DraftTable drafts, TimeProvider time, ILogger log) : IDisposable
{
    private const int MaxWaiting = 8;
    private const int IdBytes = 8;
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(15);

    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _ended = new();
    private int _waiting;

    /// <summary>Begins a draft.</summary>
    /// <param name="options">What to read; its branch is where it would go.</param>
    /// <param name="shown">The source as people are shown it.</param>
    /// <param name="discard">A file to remove when it is read.</param>
    public Draft Begin(PublishOptions options, string shown, string by, string? discard = null)
    {
        if (Interlocked.Increment(ref _waiting) > MaxWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            throw new BranchMovedException("too many drafts are being read; wait for one to end");
        }
        var now = time.GetUtcNow();
        var draft = new Draft(RandomNumberGenerator.GetHexString(2 * IdBytes, lowercase: true), options.Branch, shown, options.Version, options.Subject, by, now, now, DraftState.Reading, "waiting for its turn", "",
            new Branches(data, time).Read(options.Branch).Head?.Commit);
        drafts.Add(draft);
        _ = Task.Run(() => MakeAsync(draft, options, discard));
        return draft;
    }

    public void Dispose()
    {
        _ended.Cancel();
        _ended.Dispose();
    }

    private async Task MakeAsync(Draft draft, PublishOptions options, string? discard)
    {
        using var beating = time.CreateTimer(_ => drafts.Beat(draft.Id), null, Beat, Beat);
        try
        {
            await _turn.WaitAsync(_ended.Token);
            try
            {
                var made = new Publisher(data, time).Publish(options with { IsProposal = true, Step = step => drafts.Advance(draft.Id, step) }, _ended.Token);
                drafts.End(draft.Id, made.IsNew ? DraftState.Ready : DraftState.Unchanged, string.Join('\n', made.Warnings), made.Commit, made.Objects, made.Bytes);
            }
            finally
            {
                _turn.Release();
            }
        }
        catch (Exception e)
        {
            var failure = Failure.Of(e);
            if (failure.Message.StartsWith("this is a bug", StringComparison.Ordinal))
                Log.DraftFailed(log, e, draft.Id);
            drafts.End(draft.Id, DraftState.Failed, failure.Message);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
            if (discard is not null)
                File.Delete(discard);
        }
    }
}
