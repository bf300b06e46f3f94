using System.Text;
using ContentTree.Store;
using ContentTree.Store.Repositories;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy;

/// <summary>
/// The one lock of a device, <c>state/lock</c>: whoever changes anything holds it. It ends with its process, so it is never
/// stale; the text in it only says who has it.
/// </summary>
internal sealed class DeviceLock : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly SafeFileHandle _file;

    private DeviceLock(SafeFileHandle file) => _file = file;

    /// <exception cref="StoreLockedException">Another process has it and <paramref name="wait"/> is off.</exception>
    public static async Task<DeviceLock> TakeAsync(DeviceRoot root, string verb, bool wait, CancellationToken cancellation)
    {
        if (!Directory.Exists(root.Layout.State))
            throw new StoreNotFoundException($"{root.Top}: no device here; 'ctree init' makes one");
        using var state = Posix.OpenDirectory(root.Layout.State);
        var file = Posix.OpenOrCreateAt(state, "lock"u8, 0x1a4);
        try
        {
            while (!Posix.TryLock(file, exclusive: true, wait: false, "state/lock"))
            {
                if (!wait)
                    throw new StoreLockedException($"{root.Top} is in use by {Owner(file)}; try again, or wait for it with --wait");
                await Task.Delay(Pause, cancellation).ConfigureAwait(false);
            }
            Sign(file, verb);
            return new DeviceLock(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (_file.IsClosed)
            return;
        Posix.Unlock(_file);
        _file.Dispose();
    }

    private static string Owner(SafeFileHandle file)
    {
        var text = new byte[256];
        var length = Posix.ReadFull(file, text, "state/lock");
        return length == 0 ? "another process" : Encoding.UTF8.GetString(text, 0, length).Trim();
    }

    private static void Sign(SafeFileHandle file, string verb)
    {
        Posix.SetLength(file, 0, "state/lock");
        Posix.Rewind(file, "state/lock");
        Posix.Write(file, Encoding.UTF8.GetBytes($"process {Environment.ProcessId} (ctree {verb})\n"), "state/lock");
    }
}
