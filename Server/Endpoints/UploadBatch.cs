using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Endpoints;

/// <summary>
/// Uploaded objects on their way into the repository. All uploads share one writer, because making objects durable costs
/// the same for one as for thousands: it ends when a head is about to move, or when nothing came for a while. What a crash
/// takes from it was never visible, and is asked for again.
/// </summary>
internal sealed class UploadBatch : IAsyncDisposable
{
    private readonly DataDirectory _data;
    private readonly ILogger _log;
    private readonly TimeSpan _idle;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    // Whoever makes his objects visible waits until what was taken in before them is.
    private readonly Lock _completing = new();
    private UploadPart? _part;

    public UploadBatch(DataDirectory data, TimeProvider time, TimeSpan idle, ILogger log)
    {
        _data = data;
        _log = log;
        _idle = idle;
        _timer = time.CreateTimer(_ => CompleteIdle(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether an upload of this object would be useless. Renews its age, so that garbage collection spares it.</summary>
    public bool IsKnown(ObjectName name)
    {
        if (_data.Repository.Freshen(name))
            return true;
        if (Enter(opens: false) is not { } part)
            return false;
        try
        {
            return part.Writer.IsKnown(name);
        }
        finally
        {
            part.Leave();
        }
    }

    /// <summary>Takes an object in; false when it was there already.</summary>
    /// <param name="write">Writes the frame and throws when its content is not <paramref name="name"/>'s.</param>
    public bool Store(ObjectName name, Action<SafeFileHandle> write)
    {
        var part = Enter(opens: true) ?? throw new InvalidOperationException("no writer");
        var isTaken = false;
        try
        {
            return part.Writer.Write(name, write);
        }
        catch (Exception e) when (e is IOException or StoreLockedException)
        {
            // With this one the writer may have lost others, and would go on saying that they are known.
            part.GiveUp();
            isTaken = Take(part) is not null;
            throw;
        }
        finally
        {
            part.Leave();
            if (isTaken)
                End(part);
            _timer.Change(_idle, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Makes everything that was taken in durable and visible. Others go on uploading meanwhile, for the next time.</summary>
    public void Complete()
    {
        lock (_completing)
        {
            if (Take(null) is { } part)
                End(part);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        CompleteIdle();
    }

    private UploadPart? Enter(bool opens)
    {
        lock (_lock)
        {
            if (_part is null && opens)
                _part = new UploadPart(_data.Repository.BeginWriting());
            _part?.Enter();
            return _part;
        }
    }
    /// <param name="only">Unless it is another one by now; null for whichever it is.</param>
    private UploadPart? Take(UploadPart? only)
    {
        lock (_lock)
        {
            if (only is not null && _part != only)
                return null;
            var part = _part;
            _part = null;
            return part;
        }
    }

    // Also when it fails: a writer that lost objects must not go on saying that they are known.
    private static void End(UploadPart part)
    {
        using var ended = part;
        ended.AwaitAlone();
        if (!ended.IsGivenUp)
            ended.Writer.Complete();
    }

    private void CompleteIdle()
    {
        try
        {
            Complete();
        }
        catch (Exception e)
        {
            Log.UploadsLost(_log, e);
        }
    }
}
