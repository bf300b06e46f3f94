using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store;

/// <summary>
/// A lock that <see cref="Posix.TryLock"/> took, until it is disposed. Closing the file alone may be late: a child that another thread is
/// just starting has a copy of it until it runs its program.
/// </summary>
public sealed class HeldLock(SafeFileHandle file) : IDisposable
{
    public void Dispose()
    {
        if (file.IsClosed)
            return;
        Posix.Unlock(file);
        file.Dispose();
    }
}
