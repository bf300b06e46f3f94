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
    // Stores share it, ending the writer takes it alone. What happens inside is work of the disk, or of a bucket's.
    private readonly ReaderWriterLockSlim _gate = new();
    private readonly Lock _opening = new();
    private ObjectWriter? _writer;

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
        _gate.EnterReadLock();
        try
        {
            return _writer?.IsKnown(name) ?? false;
        }
        finally
        {
            _gate.ExitReadLock();
        }
    }

    /// <summary>Takes an object in; false when it was there already.</summary>
    /// <param name="write">Writes the frame and throws when its content is not <paramref name="name"/>'s.</param>
    public bool Store(ObjectName name, Action<SafeFileHandle> write)
    {
        var isLost = false;
        _gate.EnterReadLock();
        try
        {
            return Writer().Write(name, write);
        }
        catch (Exception e) when (e is IOException or StoreLockedException)
        {
            isLost = true;
            throw;
        }
        finally
        {
            _gate.ExitReadLock();
            // With this one the writer may have lost others, and would go on saying that they are known.
            if (isLost)
                Drop();
            _timer.Change(_idle, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Makes everything that was taken in durable and visible.</summary>
    public void Complete()
    {
        _gate.EnterWriteLock();
        try
        {
            // Also when it fails: a writer that lost objects must not go on saying that they are known.
            using var ended = Interlocked.Exchange(ref _writer, null);
            ended?.Complete();
        }
        finally
        {
            _gate.ExitWriteLock();
        }
    }

    private void Drop()
    {
        _gate.EnterWriteLock();
        try
        {
            Interlocked.Exchange(ref _writer, null)?.Dispose();
        }
        finally
        {
            _gate.ExitWriteLock();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        CompleteIdle();
        _gate.Dispose();
    }

    private ObjectWriter Writer()
    {
        lock (_opening)
            return _writer ??= _data.Repository.BeginWriting();
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
