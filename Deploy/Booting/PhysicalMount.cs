using ContentTree.BootFile;
using ContentTree.Store;

namespace ContentTree.Deploy.Booting;

/// <summary>
/// On a booted device <c>/ctree</c> is mounted read-only for everyone. A command that writes takes a mount namespace of its own, makes
/// its view writable and starts itself again in it: all threads share one view, and nobody else sees the change.
/// </summary>
internal static class PhysicalMount
{
    public static void EnsureWritable(DeviceRoot root)
    {
        if (root.IsGiven || !Posix.IsRoot || !Directory.Exists(root.Top) || !PosixMounts.IsReadOnly(root.Top))
            return;
        PosixMounts.LeaveSharedMounts();
        PosixMounts.RemountWritable(root.Top);
        if (PosixMounts.IsReadOnly(root.Top))
            throw new IOException($"{root.Top} stays read-only: its filesystem is mounted read-only");
        // The boot partition, where there is one, is a mount of its own.
        if (Directory.Exists(root.Layout.Boot) && PosixMounts.IsReadOnly(root.Layout.Boot))
            PosixMounts.RemountWritable(root.Layout.Boot);
        PosixMounts.StartAgain();
    }

    /// <summary>In link mode the selector shows single deployments read-only; a repair has to get at what is below.</summary>
    public static void Uncover(DeviceRoot root)
    {
        if (!Posix.IsRoot || !Directory.Exists(root.Layout.Deployments) || PosixMounts.IsReadOnly(root.Layout.Deployments))
            return;
        var deployments = DeploymentSet.Scan(root.Layout).Select(d => root.Layout.Deployment(d.Name)).Where(PosixMounts.IsReadOnly).ToArray();
        if (deployments.Length == 0)
            return;
        PosixMounts.LeaveSharedMounts();
        foreach (var deployment in deployments)
            PosixMounts.RemoveAll(deployment);
        // What cannot be uncovered is no reason to start again for ever.
        if (!deployments.Any(PosixMounts.IsReadOnly))
            PosixMounts.StartAgain();
    }
}
