using ContentTree.BootFile;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Loaders;
using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Deployments;

/// <summary>
/// Which deployments stay: what runs, what will boot, what it falls back to, what is kept by hand, the recovery deployment, and the
/// newest confirmed ones. The rest goes, and with it the kernels and objects that only it needed.
/// </summary>
internal sealed class Retention(Device device)
{
    /// <param name="whole">
    /// Look through the store even if no deployment goes: what broken-off downloads left is found only this way. Otherwise the
    /// work follows the change.
    /// </param>
    /// <returns>Deployments removed, objects removed and bytes freed by those.</returns>
    public (int Deployments, long Objects, long Bytes) Collect(bool whole = false)
    {
        var gone = RemoveDeployments();
        var needed = Commits();
        if (!whole && gone == 0 && device.Store.Commits().All(needed.Contains))
            return (0, 0, 0);
        var (objects, bytes) = LocalStoreGarbage.Run(device.Store, needed);
        return (gone, objects, bytes);
    }

    /// <summary>Removes the deployments and their kernels, and leaves the store as it is: what is about to be deployed is only there.</summary>
    /// <returns>How many.</returns>
    public int RemoveDeployments()
    {
        var stay = Stay();
        DeploymentRemover.RemoveLeftovers(device.Layout, stay);
        RemoveTemporaries();
        var gone = FinishedDeployment.Scan(device.Layout).Select(d => d.Name).Where(name => !stay.Contains(name)).ToArray();
        foreach (var name in gone)
            DeploymentRemover.Remove(device.Layout, name);
        Forget();
        new DeviceLoader(device).Collect();
        return gone.Length;
    }

    private void RemoveTemporaries()
    {
        var root = device.Root;
        foreach (var directory in new[] { root.Top, root.Layout.State, root.Trust, root.BlackBox }.Where(Directory.Exists))
            DurableFiles.RemoveTemporaries(directory);
    }

    /// <summary>Those that some rule holds.</summary>
    public HashSet<DeploymentName> Stay()
    {
        var record = device.Boot.Read();
        DeploymentName?[] named = [device.Booted?.Deployment, record?.Wanted, record?.Previous, record?.LastResort, device.Layout.ReadRecovery()];
        var stay = named.OfType<DeploymentName>().ToHashSet();
        stay.UnionWith(device.State.Deployments.Deployments.Where(d => d.Kept).Select(d => d.Name));
        var complete = FinishedDeployment.Scan(device.Layout).Select(d => d.Name).ToArray();
        // Without a boot record nobody knows which one is good: all may be needed.
        stay.UnionWith(record is null ? complete : complete.Where(name => BootHistory.IsConfirmed(device, name)).Take(device.Config.Keep));
        return stay;
    }

    private void Forget()
    {
        var complete = FinishedDeployment.Scan(device.Layout).Select(d => d.Name).ToHashSet();
        var notes = device.State.Deployments;
        var left = notes.Deployments.Where(d => complete.Contains(d.Name)).ToArray();
        if (left.Length != notes.Deployments.Count)
            device.State.Deployments = notes with { Deployments = left };
    }

    // What was pulled to be deployed next stays as well.
    private HashSet<ObjectId> Commits()
    {
        var commits = FinishedDeployment.Scan(device.Layout).Select(d => d.Commit).ToHashSet();
        var follow = device.State.Follow;
        if (follow.Commit is { } pinned)
            commits.Add(pinned);
        else if (device.Trust.Seen(follow.Branch) is { } seen)
            commits.Add(seen.Commit);
        return commits;
    }
}
