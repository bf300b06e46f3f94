using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>
/// The repository's advisory lock: a garbage collection takes it alone, whoever wants nothing removed shares it. Publishers take none. It
/// dies with its process, so it is never stale.
/// </summary>
internal static class RepositoryLock
{
    private const int Tries = 20;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Waits for the lock, among others.</summary>
    public static HeldLock Share(SafeFileHandle root)
    {
        var file = Open(root);
        Posix.TryLock(file, exclusive: false, wait: true, "repository lock");
        return new HeldLock(file);
    }

    /// <summary>Takes the lock alone unless another process is in the way.</summary>
    /// <exception cref="StoreLockedException">A backup or another garbage collection is running.</exception>
    public static HeldLock TakeNow(SafeFileHandle root)
    {
        var file = Open(root);
        // Publishers that begin look whether it is taken, by taking it for a moment.
        for (var left = Tries; !Posix.TryLock(file, exclusive: true, wait: false, "repository lock"); left--)
        {
            if (left == 0)
            {
                file.Dispose();
                throw new StoreLockedException("a backup or another gc is running on the repository; try again, or use --wait");
            }
            Thread.Sleep(Pause);
        }
        return new HeldLock(file);
    }

    /// <summary>As <see cref="Share"/>, but null when somebody has it alone.</summary>
    public static HeldLock? TryShare(SafeFileHandle root)
    {
        var file = Open(root);
        if (Posix.TryLock(file, exclusive: false, wait: false, "repository lock"))
            return new HeldLock(file);
        file.Dispose();
        return null;
    }

    /// <summary>Whether somebody has it alone.</summary>
    public static bool IsTaken(SafeFileHandle root)
    {
        using var shared = TryShare(root);
        return shared is null;
    }

    private static SafeFileHandle Open(SafeFileHandle root)
    {
        try
        {
            return Posix.OpenOrCreateAt(root, "lock"u8, 0x1a4);
        }
        catch (PosixException e) when (e.Errno is Posix.EACCES or Posix.EPERM)
        {
            // Another user made it: for a lock it is enough to read it.
            return Posix.OpenForReadingAt(root, "lock"u8);
        }
    }
}
