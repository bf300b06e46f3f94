using System.Text;
using ContentTree.BootFile;
using ContentTree.Deploy.Deployments;
using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Repairs;

/// <summary>
/// Puts the store's inodes back where deployments have something else. Each is made beside and renamed over the old one, so that a
/// program that has the old one open keeps it.
/// </summary>
internal sealed class DeploymentMender(Device device)
{
    private static ReadOnlySpan<byte> Staging => ".new-repair"u8;

    /// <returns>Names that were mended.</returns>
    public long Run()
    {
        using var deployments = Posix.OpenDirectory(device.Layout.Deployments);
        TreeCheckout.Remove(deployments, Staging);
        Posix.MakeDirectoryAt(deployments, Staging, 0x1c0);
        var check = new DeploymentCheck(device, Mend);
        var builder = new DeploymentBuilder(device);
        long mended = 0;
        foreach (var (name, commit, isMarked) in new DeviceCheck(device).Deployments())
        {
            if (commit is not { } id || !device.Store.ContainsCommit(id))
                continue;
            var before = check.Damage.Count;
            mended += MendEtc(builder, deployments, name, id) ? 1 : 0;
            check.Run(name, id);
            builder.Flush();
            if (isMarked || check.Damage.Count > before)
                continue;
            builder.MarkAgain(deployments, name, id);
            mended++;
        }
        TreeCheckout.Remove(deployments, Staging);
        return mended + check.Mended;
    }

    private bool MendEtc(DeploymentBuilder builder, Microsoft.Win32.SafeHandles.SafeFileHandle deployments, DeploymentName name, ObjectId commit)
    {
        var etc = device.Layout.Etc(name);
        if (Directory.Exists(etc) || !Directory.Exists(device.Layout.Deployment(name)))
            return false;
        builder.MakeEtc(deployments, name, device.Store.ReadCommit(commit).Tree);
        return true;
    }

    private bool Mend(Flaw flaw)
    {
        if (flaw.Expected is not { } expected)
        {
            TreeCheckout.Remove(flaw.Directory, flaw.Name.Bytes);
            return true;
        }
        using var deployments = Posix.OpenDirectory(device.Layout.Deployments);
        using var staging = Posix.OpenDirectoryAt(deployments, Staging);
        TreeCheckout.Remove(staging, flaw.Name.Bytes);
        TreeCheckout.RunOne(device.Store, expected, staging);
        // Only like replaces like in one step.
        if (Posix.StatAt(flaw.Directory, flaw.Name.Bytes) is { } old && (old.Type == FileType.Directory || expected is TreeEntry.Directory))
            TreeCheckout.Remove(flaw.Directory, flaw.Name.Bytes);
        Posix.RenameAt(staging, flaw.Name.Bytes, flaw.Directory, flaw.Name.Bytes);
        return true;
    }
}
