using System.Text;
using ContentTree.BootFile;
using ContentTree.Deploy.Health;
using ContentTree.Deploy.Loaders;
using ContentTree.Deploy.State;
using ContentTree.Deploy.Transfer;
using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Deployments;

/// <summary>
/// Makes a complete directory of a commit beside the running one. The order is what makes a crash at any point harmless: a number
/// that is never used again, the files, /etc, data, the kernel, a flush of everything, and last the marker.
/// </summary>
internal sealed class DeploymentBuilder(Device device)
{
    private const int DirectoryMode = 0x1ed;

    private readonly DeviceLoader _loader = new(device);
    private readonly PersistentData _data = new(device);

    /// <summary>Builds the deployment, or finds the complete one that exists already, unless it is to be built <paramref name="again"/>.</summary>
    /// <exception cref="StoppedException">The tree cannot be deployed here.</exception>
    public FinishedDeployment Build(CompleteCommit commit, Target target, bool again = false)
    {
        var isRoot = RootFilesystem.IsOne(device.Store.ReadTree(commit.Commit.Tree));
        _loader.RequireAnswer();
        var assets = isRoot ? _loader.Find(commit.Commit.Tree) : null;
        if (!again && FinishedDeployment.Scan(device.Layout).FirstOrDefault(d => d.Commit == commit.Id && d.Assets == (assets?.Name ?? "") && HasData(d.Name, isRoot)) is { } present)
            return present;
        if (isRoot)
            RequireBootable(commit, assets);
        using var deployments = Posix.OpenDirectory(device.Layout.Deployments);
        LinkTest.Run(device.Store, deployments);
        var name = TakeName(commit, target);
        try
        {
            Make(deployments, name, commit.Commit.Tree, isRoot);
            if (assets is not null)
                _loader.Bring(assets);
        }
        catch
        {
            DeploymentRemover.RemoveIncomplete(deployments, name);
            throw;
        }
        Flush();
        Mark(deployments, name, commit.Id, assets);
        return FinishedDeployment.Find(device.Layout, name) ?? throw new IOException($"{device.Layout.Marker(name)} does not read back as written");
    }

    private bool HasData(DeploymentName name, bool isRoot) => !isRoot || DataPaths.Read(device.Layout, name).SequenceEqual(device.Config.DataPaths);

    // Before anything is written.
    private void RequireBootable(CompleteCommit commit, BootAssets? assets)
    {
        RootFilesystem.RequireReadOnlyRoot(device.Store, commit);
        _data.Require(commit.Commit.Tree);
        KernelElsewhere.Require(device, commit.Id, commit.Commit.Tree, device.Store.ReadTree);
        if (assets is not null)
            KernelRoom.Make(device, _loader, assets);
    }

    private DeploymentName TakeName(CompleteCommit commit, Target target)
    {
        var known = device.State.Deployments;
        var highest = DeploymentRemover.HighestNumber(device.Layout);
        var name = new DeploymentName(Math.Max(known.Next, highest + 1), commit.Id.ToString());
        var reached = device.State.Last.Poll is { Failures: 0 };
        var note = new DeploymentNote(
            name, commit.Id, commit.Commit.Version, device.Clock.GetUtcNow(), target.Branch, target.Sequence, Reached: reached,
            FailedBefore: FailedUnits.Now(device), LinkedBefore: new NetworkLinks(device.Root.NetworkInterfaces).Linked());
        device.State.Deployments = known.With(note) with { Next = name.Number + 1 };
        return name;
    }

    private void Make(SafeFileHandle deployments, DeploymentName name, ObjectId tree, bool isRoot)
    {
        var bytes = Encoding.ASCII.GetBytes(name.ToString());
        DeploymentRemover.RemoveIncomplete(deployments, name);
        TreeCheckout.Run(device.Store, tree, deployments, bytes, CheckoutMode.Link);
        if (isRoot)
            RootFilesystem.AddMountPoints(deployments, bytes, device.Config.DataPaths);
        MakeEtc(deployments, name, tree);
        if (!isRoot)
            return;
        _data.Fill(tree);
        _data.Declare(deployments, name);
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

    private ObjectId? TryFindDirectory(ObjectId tree, string name) =>
        (device.Store.ReadTree(tree).Find(EntryName.Create(name)) as TreeEntry.Directory)?.Id;

    /// <summary>Makes everything written so far durable.</summary>
    public void Flush()
    {
        var flushed = new HashSet<(uint, uint)>();
        foreach (var path in new[] { device.Layout.Deployments, Device.BootDirectory(device.Root, device.Config) })
        {
            using var directory = Posix.OpenDirectory(path);
            var stat = Posix.Stat(directory, path);
            // Usually both are on one filesystem, and every flush waits for the disk.
            if (flushed.Add((stat.DeviceMajor, stat.DeviceMinor)))
                Posix.SyncFilesystem(directory, path);
        }
    }

    /// <summary>Brings back the kernel of a deployment that has lost its marker, and marks it.</summary>
    public void MarkAgain(SafeFileHandle deployments, DeploymentName name, ObjectId commit)
    {
        var tree = device.Store.ReadCommit(commit).Tree;
        var assets = RootFilesystem.IsOne(device.Store.ReadTree(tree)) ? _loader.Find(tree) : null;
        if (assets is not null)
        {
            _loader.RequireRoom(assets);
            _loader.Bring(assets);
        }
        Mark(deployments, name, commit, assets);
    }

    // Durable: from then on the deployment is complete.
    private static void Mark(SafeFileHandle deployments, DeploymentName name, ObjectId commit, BootAssets? assets) => DurableFiles.Replace(
        deployments, Encoding.ASCII.GetBytes($"{name}.ok"), Encoding.ASCII.GetBytes(new DeploymentMarker(commit.ToString(), assets?.Name ?? "").Format()));
}
