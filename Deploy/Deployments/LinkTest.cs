using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Protocol;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Deployments;

/// <summary>Tries one hard link before thousands are made.</summary>
internal static class LinkTest
{
    private static ReadOnlySpan<byte> Name => ".link-test"u8;

    /// <exception cref="StoppedException">Store and deployments are on different mounts, two bind mounts of one filesystem included.</exception>
    public static void Run(LocalStore store, SafeFileHandle deployments)
    {
        using var incoming = Posix.OpenDirectory(Path.Combine(store.Path, "incoming"));
        Posix.OpenOrCreateAt(incoming, Name, 0x180).Dispose();
        TreeCheckout.Remove(deployments, Name);
        var errno = Posix.LinkAt(incoming, Name, deployments, Name);
        TreeCheckout.Remove(deployments, Name);
        Posix.UnlinkAt(incoming, Name);
        if (errno == Posix.EXDEV)
            throw new StoppedException(ExitCode.Failed, $"{store.Path} and the deployments are on different mounts: hard links are impossible; mount ctree/ as one");
        if (errno != 0)
            throw new PosixException($"{store.Path}: no hard link can be made from here into the deployments", errno);
    }
}
