using ContentTree.BootFile;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Deployments;

/// <summary>A deployment that is whole, flushed and marked: only such a one can be named in the boot file.</summary>
internal sealed class FinishedDeployment
{
    private FinishedDeployment(DeploymentName name, ObjectId commit, string assets)
    {
        Name = name;
        Commit = commit;
        Assets = assets;
    }

    public DeploymentName Name { get; }

    public ObjectId Commit { get; }

    /// <summary>The name of its kernel on the boot partition, or "".</summary>
    public string Assets { get; }

    /// <summary>Reads the marker; null when the deployment is not complete.</summary>
    public static FinishedDeployment? Find(DeviceLayout layout, DeploymentName name) =>
        Scan(layout).FirstOrDefault(d => d.Name == name);

    /// <summary>All of them, newest first.</summary>
    public static IEnumerable<FinishedDeployment> Scan(DeviceLayout layout) =>
        DeploymentSet.Scan(layout).Select(d => new FinishedDeployment(d.Name, ObjectId.Parse(d.Marker.Commit), d.Marker.Assets));
}
