namespace ContentTree.BootFile;

/// <summary>Sentences of the selector's log that the agent understands.</summary>
public static class BootNote
{
    /// <summary>How a note begins about a deployment that was chosen and could not be mounted, or has no init.</summary>
    public static string CannotBoot(DeploymentName name) => $"{name} cannot be booted: ";
}
