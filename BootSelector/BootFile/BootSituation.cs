namespace ContentTree.BootFile;

/// <summary>Everything the choice depends on; nothing else does.</summary>
public sealed record BootSituation
{
    /// <summary>The boot record that counts, or null when neither slot is valid.</summary>
    public BootRecord? Record { get; init; }

    /// <summary>The complete deployments, newest first.</summary>
    public required IReadOnlyList<CompleteDeployment> Complete { get; init; }

    /// <summary>Commits that failed here. Keeps them from being a last resort; does not touch wanted and previous.</summary>
    public DenyList Denied { get; init; } = DenyList.Empty;

    /// <summary>The pinned recovery deployment.</summary>
    public DeploymentName? Recovery { get; init; }

    /// <summary>A person's choice for this boot: <c>ctree.deployment=</c>.</summary>
    public DeploymentName? OverrideName { get; init; }

    /// <summary>A person's choice for this boot: <c>ctree.previous</c>.</summary>
    public bool OverridePrevious { get; init; }

    /// <summary>False once a count could not be written and read back: from then on nothing that needs one is chosen first.</summary>
    public bool CanCount { get; init; } = true;

    /// <summary>The record, for people.</summary>
    public override string ToString() => Record?.ToString() ?? "no boot record";
}
