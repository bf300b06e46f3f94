namespace ContentTree.BootFile;

/// <summary>A deployment that may be booted: its directory is there and so is its marker.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Marker">What its marker says.</param>
public sealed record CompleteDeployment(DeploymentName Name, DeploymentMarker Marker)
{
    public override string ToString() => Name.ToString();
}
