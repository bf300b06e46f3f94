using ContentTree.BootFile;

namespace ContentTree.Deploy.State;

/// <summary>What the agent saw of the boots of one trial. <c>state/trial.json</c>.</summary>
/// <param name="Deployment">Which one is or was on trial.</param>
/// <param name="Boots">Oldest first; a boot in which the agent never ran is not among them.</param>
internal sealed record TrialState(DeploymentName Deployment, IReadOnlyList<TrialBoot> Boots)
{
    private const int MaxBoots = 100;

    public string Schema { get; init; } = "ctree.trial/1";

    /// <summary>Marks of what spoke against a tree before this trial began; absent where nothing did.</summary>
    public IReadOnlyList<string>? Older { get; init; }

    public TrialState With(TrialBoot boot) =>
        this with { Boots = [.. Boots.Where(b => b.Boot != boot.Boot).Append(boot).OrderBy(b => b.Boot).TakeLast(MaxBoots)] };
}

/// <param name="Boot">The boot record's sequence after counting: another one for each boot.</param>
/// <param name="Time">When that was said.</param>
/// <param name="Word">How the boot stood, as far as the agent came.</param>
/// <param name="Text">Why.</param>
internal sealed record TrialBoot(ulong Boot, DateTimeOffset Time, TrialWord Word, string Text);

internal enum TrialWord
{
    /// <summary>The agent ran and nothing spoke against the tree.</summary>
    Running,

    /// <summary>A required check failed.</summary>
    Sick,

    /// <summary>Everything passed, and the server could not be reached.</summary>
    Unreached,
}
