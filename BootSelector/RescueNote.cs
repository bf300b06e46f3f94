using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>What whoever stands before a device that boots nothing needs to know: each deployment, what is wrong with it, and the words that help.</summary>
internal static class RescueNote
{
    private const int MaxDeployments = 12;

    /// <summary>One line each; <paramref name="passedOver"/> has what was found at this boot.</summary>
    public static IEnumerable<string> Lines(DeviceLayout layout, BootRecord? record, IReadOnlyDictionary<DeploymentName, string> passedOver)
    {
        var complete = DeploymentSet.Scan(layout);
        var denied = DenyList.Read(layout.Denied);
        var names = Names(layout);
        foreach (var name in names[..Math.Min(names.Count, MaxDeployments)])
        {
            yield return $"  {name}: {Problem(name, MarkerOf(name, complete), record, denied, passedOver)}";
        }
        if (names.Count > MaxDeployments)
            yield return $"  and {names.Count - MaxDeployments} older ones";
        if (names.Count == 0)
            yield return $"  there is no deployment in {layout.Deployments}";
        yield return "what can be done, by a word at the end of the kernel's command line in the boot loader: " +
            "ctree.deployment=NAME boots that one if it is complete, whatever it has failed at; ctree.previous the previous one; ctree.rescue=shell gives a shell here";
    }

    private static string Problem(
        DeploymentName name, DeploymentMarker? marker, BootRecord? record, DenyList denied, IReadOnlyDictionary<DeploymentName, string> passedOver)
    {
        if (marker is null)
            return $"not complete: its marker {name}.ok is missing or damaged";
        if (passedOver.TryGetValue(name, out var found))
            return found;
        if (name == record?.Wanted)
            return "wanted, and its tries are used up";
        if (name == record?.Previous)
            return "the previous one, and its tries are used up";
        return denied.Contains(marker.Commit) ? "its commit has failed here and is denied" : "tried in vain, or passed over as told above";
    }

    private static DeploymentMarker? MarkerOf(DeploymentName name, IReadOnlyList<CompleteDeployment> complete)
    {
        foreach (var deployment in complete)
        {
            if (deployment.Name == name)
                return deployment.Marker;
        }
        return null;
    }

    private static List<DeploymentName> Names(DeviceLayout layout)
    {
        var names = new List<DeploymentName>();
        try
        {
            foreach (var path in Directory.GetDirectories(layout.Deployments))
            {
                if (DeploymentName.TryParse(Path.GetFileName(path), out var name))
                    names.Add(name);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
        names.Sort(static (left, right) => right.CompareTo(left));
        return names;
    }
}
