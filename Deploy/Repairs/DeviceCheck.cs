using ContentTree.BootFile;
using ContentTree.Deploy.Commands;
using ContentTree.Deploy.Deployments;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Repairs;

/// <summary>Looks at everything a device must be able to rely on: every deployment, and on demand every byte of the store.</summary>
internal sealed class DeviceCheck(Device device)
{
    /// <summary>Deployments that must be there: complete ones, and those that run or are named in the boot file.</summary>
    public IReadOnlyList<(DeploymentName Name, ObjectId? Commit, bool IsMarked)> Deployments()
    {
        var complete = FinishedDeployment.Scan(device.Layout).ToDictionary(d => d.Name, d => d.Commit);
        var record = device.Boot.Read();
        DeploymentName?[] named = [device.Booted?.Deployment, record?.Wanted, record?.Previous];
        var unmarked = named.OfType<DeploymentName>().Distinct().Where(name => !complete.ContainsKey(name))
            .Select(name => (name, device.State.Deployments.Find(name)?.Commit, false));
        return [.. complete.Select(d => (d.Key, (ObjectId?)d.Value, true)), .. unmarked];
    }

    /// <summary>Compares every deployment with its tree; with <paramref name="full"/> hashes every stored object too.</summary>
    public VerifyDocument Run(bool full, CancellationToken cancellation)
    {
        var damage = new List<VerifyDamage>();
        var check = new DeploymentCheck(device);
        foreach (var (name, commit, isMarked) in Deployments())
        {
            cancellation.ThrowIfCancellationRequested();
            if (!isMarked)
                damage.Add(new VerifyDamage(name.ToString(), "its marker is gone"));
            else if (commit is { } id)
                check.Run(name, id);
        }
        damage.AddRange(check.Damage);
        var (objects, bytes, stored) = full ? LocalStoreCheck.Run(device.Store, cancellation) : (0, 0, []);
        damage.AddRange(stored.Select(d => new VerifyDamage(d.What, d.Reason)));
        return new VerifyDocument(full, check.Checked + objects, bytes, damage);
    }
}
