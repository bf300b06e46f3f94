using System.Text;
using ContentTree.BootFile;
using ContentTree.Store;

namespace ContentTree.Deploy.Booting;

/// <summary>The recovery deployment, <c>state/recovery</c>: what the selector boots when the wanted and the previous one have failed.</summary>
internal static class RecoveryPin
{
    private static ReadOnlySpan<byte> FileName => "recovery"u8;

    public static void Set(Device device, DeploymentName name)
    {
        using var state = Posix.OpenDirectory(device.Layout.State);
        DurableFiles.Replace(state, FileName, Encoding.ASCII.GetBytes($"{name}\n"));
        if (device.Layout.ReadRecovery() != name)
            throw new IOException($"{device.Layout.Recovery} does not read back as written");
    }

    /// <summary>Takes the pin away if it is this deployment's.</summary>
    public static void Clear(Device device, DeploymentName name)
    {
        if (device.Layout.ReadRecovery() != name)
            return;
        using var state = Posix.OpenDirectory(device.Layout.State);
        Posix.UnlinkAt(state, FileName);
        Posix.Fsync(state, device.Layout.State);
    }
}
