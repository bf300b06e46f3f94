using ContentTree.Deploy.Deployments;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Loaders;

/// <summary>
/// The rule of a device whose kernel is loaded from elsewhere (<c>boot.loader = none</c>): a tree with another kernel than that of
/// the deployment in use would find the wrong one running, and its modules would not fit.
/// </summary>
internal static class KernelElsewhere
{
    /// <summary>Trees without a kernel are always welcome, and so is the first one that has one.</summary>
    /// <exception cref="StoppedException">The tree has another kernel.</exception>
    public static void Require(Device device, ObjectId commit, ObjectId tree, Func<ObjectId, Tree> read)
    {
        if (device.Config is not { Loader: "none", Kernel: "same" } || InUse(device) is not { } used || !device.Store.ContainsCommit(used.Commit))
            return;
        var kernels = new KernelSearch(read, tree).Ids();
        var own = new KernelSearch(device.Store.ReadTree, device.Store.ReadCommit(used.Commit).Tree).Ids();
        if (kernels.Count == 0 || own.Count == 0 || own.IsSubsetOf(kernels))
            return;
        throw new StoppedException(ExitCode.Held,
            $"commit {commit} has another kernel than {used.Name}, and this device loads its kernel from elsewhere ([boot] loader = none): " +
            "name its boot loader, or set [boot] kernel = any when the kernel is replaced by other means");
    }

    private static FinishedDeployment? InUse(Device device) =>
        (device.Booted?.Deployment ?? device.Boot.Read()?.Wanted) is { } name ? FinishedDeployment.Find(device.Layout, name) : null;
}
