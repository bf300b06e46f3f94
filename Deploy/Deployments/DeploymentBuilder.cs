using System.Text;
using ContentTree.BootFile;
using ContentTree.Deploy.State;
using ContentTree.Deploy.Transfer;
using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Deployments;

/// <summary>
/// Makes a complete directory of a commit beside the running one. The order is what makes a crash at any point harmless: a number
/// that is never used again, the files, /etc, data, a flush of everything, and last the marker.
/// </summary>
internal sealed class DeploymentBuilder(Device device)
{
    private const int DirectoryMode = 0x1ed;

    /// <summary>Builds the deployment, or finds the complete one that exists already, unless it is to be built <paramref name="again"/>.</summary>
    /// <exception cref="StoppedException">The tree cannot be deployed here.</exception>
    public FinishedDeployment Build(CompleteCommit commit, Target target, bool again = false)
    {
        if (!again && FinishedDeployment.Scan(device.Layout).FirstOrDefault(d => d.Commit == commit.Id) is { } present)
            return present;
        var isRoot = RootFilesystem.IsOne(device.Store.ReadTree(commit.Commit.Tree));
        if (isRoot)
            RootFilesystem.RequireReadOnlyRoot(device.Store, commit);
        using var deployments = Posix.OpenDirectory(device.Layout.Deployments);
        LinkTest.Run(device.Store, deployments);
        var name = TakeName(commit, target);
        try
        {
            Make(deployments, name, commit.Commit.Tree, isRoot);
        }
        catch
        {
            DeploymentRemover.RemoveIncomplete(deployments, name);
            throw;
        }
        Flush();
        Mark(deployments, name, commit.Id);
        return FinishedDeployment.Find(device.Layout, name) ?? throw new IOException($"{device.Layout.Marker(name)} does not read back as written");
    }

    private DeploymentName TakeName(CompleteCommit commit, Target target)
    {
        var known = device.State.Deployments;
        var highest = DeploymentRemover.HighestNumber(device.Layout);
        var name = new DeploymentName(Math.Max(known.Next, highest + 1), commit.Id.ToString());
        var reached = device.State.Last.Poll is { Failures: 0 };
        var note = new DeploymentNote(
            name, commit.Id, commit.Commit.Version, device.Clock.GetUtcNow(), target.Branch, target.Sequence, Reached: reached);
        device.State.Deployments = known.With(note) with { Next = name.Number + 1 };
        return name;
    }

    private void Make(SafeFileHandle deployments, DeploymentName name, ObjectId tree, bool isRoot)
    {
        var bytes = Encoding.ASCII.GetBytes(name.ToString());
        DeploymentRemover.RemoveIncomplete(deployments, name);
        TreeCheckout.Run(device.Store, tree, deployments, bytes, CheckoutMode.Link);
        if (isRoot)
            RootFilesystem.AddMountPoints(deployments, bytes);
        MakeEtc(deployments, name, tree);
        if (isRoot)
            FillVar(tree);
    }

    /// <summary>Makes the deployment's own /etc from its tree.</summary>
    public void MakeEtc(SafeFileHandle deployments, DeploymentName name, ObjectId tree)
    {
        var etc = Encoding.ASCII.GetBytes($"{name}.etc");
        if (TryFindDirectory(tree, "etc") is { } id)
            TreeCheckout.Run(device.Store, id, deployments, etc, CheckoutMode.Copy);
        else
            Posix.MakeDirectoryAt(deployments, etc, DirectoryMode);
    }

    // Once: from then on it is the device's own data, and no tree touches it again.
    private void FillVar(ObjectId tree)
    {
        using var data = Posix.OpenDirectory(device.Root.Data);
        if (Posix.StatAt(data, "var"u8) is not null)
            return;
        TreeCheckout.Remove(data, ".new-var"u8);
        if (TryFindDirectory(tree, "var") is { } id)
            TreeCheckout.Run(device.Store, id, data, ".new-var"u8, CheckoutMode.Copy);
        else
            Posix.MakeDirectoryAt(data, ".new-var"u8, DirectoryMode);
        Posix.SyncFilesystem(data, device.Root.Data);
        Posix.RenameAt(data, ".new-var"u8, data, "var"u8);
    }

    private ObjectId? TryFindDirectory(ObjectId tree, string name) =>
        (device.Store.ReadTree(tree).Find(EntryName.Create(name)) as TreeEntry.Directory)?.Id;

    /// <summary>Makes everything written so far durable.</summary>
    public void Flush()
    {
        foreach (var path in new[] { device.Layout.Deployments, Device.BootDirectory(device.Root, device.Config) })
        {
            using var directory = Posix.OpenDirectory(path);
            Posix.SyncFilesystem(directory, path);
        }
    }

    /// <summary>Writes the marker, durably: from then on the deployment is complete.</summary>
    public static void Mark(SafeFileHandle deployments, DeploymentName name, ObjectId commit) => DurableFiles.Replace(
        deployments, Encoding.ASCII.GetBytes($"{name}.ok"), Encoding.ASCII.GetBytes(new DeploymentMarker(commit.ToString(), "").Format()));
}
