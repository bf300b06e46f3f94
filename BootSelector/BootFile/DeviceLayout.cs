namespace ContentTree.BootFile;

/// <summary>Where things stand below a physical root; docs/boot.md shows the whole picture.</summary>
/// <param name="Root">The physical root that holds <c>ctree/</c>.</param>
public sealed record DeviceLayout(string Root)
{
    /// <summary>The path of <see cref="LastWords"/> below <c>/var</c>, for who runs in the tree.</summary>
    public const string LastWordsInVar = "lib/ctree/last-words";

    /// <summary>Deployments with their <c>.etc</c> and <c>.ok</c> beside them.</summary>
    public string Deployments => Path.Combine(Root, "ctree/deploy");

    /// <summary>The boot file's usual directory; a device may have it on its boot partition instead.</summary>
    public string Boot => Path.Combine(Root, "ctree/boot");

    /// <summary>What belongs to the device and no tree.</summary>
    public string State => Path.Combine(Root, "ctree/state");

    /// <summary>The deny list.</summary>
    public string Denied => Path.Combine(State, "denied");

    /// <summary>One line: the name of the pinned recovery deployment. Absent where none is pinned.</summary>
    public string Recovery => Path.Combine(State, "recovery");

    /// <summary>What <c>--print</c> chose, where <c>--root</c> is given.</summary>
    public string Booted => Path.Combine(State, "booted");

    /// <summary>How often a boot ended for another kernel: the selector's note against going round.</summary>
    public string Repointed => Path.Combine(State, "repointed");

    /// <summary>How often the confirmed deployment started without lasting; absent where nobody counts.</summary>
    public string EarlyBoots => Path.Combine(State, "early-boots");

    /// <summary>What is the device's own in every deployment.</summary>
    public string Data => Path.Combine(Root, "ctree/data");

    /// <summary>What became <c>/var</c>.</summary>
    public string Var => Path.Combine(Data, "var");

    /// <summary>What a trial that ended at its deadline said last; there /var is this device's own.</summary>
    public string LastWords => Path.Combine(Var, LastWordsInVar);

    public override string ToString() => Root;

    /// <summary>Prepared loader pointers, one for each proven kernel.</summary>
    public string LoaderPointers => Path.Combine(State, "loader");

    /// <summary>The directory of a deployment.</summary>
    public string Deployment(DeploymentName name) => Path.Combine(Deployments, name.ToString());

    /// <summary>The <c>/etc</c> of a deployment.</summary>
    public string Etc(DeploymentName name) => Deployment(name) + ".etc";

    /// <summary>The paths of a deployment, beside <c>/var</c>, whose content is the device's own: one a line. Absent where there are none.</summary>
    public string DataPaths(DeploymentName name) => Deployment(name) + ".data";

    /// <summary>The marker that makes a deployment complete.</summary>
    public string Marker(DeploymentName name) => Deployment(name) + ".ok";

    /// <summary>The pinned recovery deployment, or null.</summary>
    public DeploymentName? ReadRecovery()
    {
        var bytes = RegularFile.TryReadAll(Recovery, 64);
        var text = bytes is null ? "" : System.Text.Encoding.ASCII.GetString(bytes).TrimEnd('\n');
        return DeploymentName.TryParse(text, out var name) ? name : null;
    }
}
