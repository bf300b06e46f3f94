using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>
/// The repository's advisory lock: publishers share it, garbage collection takes it alone. It dies with its process, so
/// it is never stale.
/// </summary>
internal static class RepositoryLock
{
    /// <summary>Waits for the lock; disposing the handle gives it back.</summary>
    public static SafeFileHandle Take(SafeFileHandle root, bool exclusive)
    {
        var file = Posix.OpenOrCreateAt(root, "lock"u8, 0x1a4);
        Posix.TryLock(file, exclusive, wait: true, "repository lock");
        return file;
    }

    /// <summary>Takes the lock unless another process is in the way.</summary>
    /// <exception cref="StoreLockedException">A publish or another garbage collection is running.</exception>
    public static SafeFileHandle TakeNow(SafeFileHandle root, bool exclusive)
    {
        var file = Posix.OpenOrCreateAt(root, "lock"u8, 0x1a4);
        if (Posix.TryLock(file, exclusive, wait: false, "repository lock"))
            return file;
        file.Dispose();
        throw new StoreLockedException("the repository is in use by another process; try again, or use --wait");
    }
}
