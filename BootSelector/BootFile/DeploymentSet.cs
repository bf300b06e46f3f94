namespace ContentTree.BootFile;

/// <summary>Finds the complete deployments; anything else below the directory is passed over in silence.</summary>
public static class DeploymentSet
{
    /// <summary>All complete deployments, newest first; none when the directory cannot be read. Never throws.</summary>
    public static IReadOnlyList<CompleteDeployment> Scan(DeviceLayout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        var found = new List<CompleteDeployment>();
        foreach (var path in Entries(layout.Deployments))
        {
            if (DeploymentName.TryParse(Path.GetFileName(path.AsSpan()), out var name) &&
                Kernel.StatusOf(layout.Deployment(name)) is { IsDirectory: true } &&
                DeploymentMarker.Read(layout.Marker(name), name) is { } marker)
                found.Add(new CompleteDeployment(name, marker));
        }
        found.Sort(static (left, right) => right.Name.CompareTo(left.Name));
        return found;
    }

    private static string[] Entries(string directory)
    {
        try
        {
            return Directory.GetFileSystemEntries(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
