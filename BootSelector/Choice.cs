using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>A decision with what led to it.</summary>
/// <param name="Decision">What to do.</param>
/// <param name="Marker">The chosen deployment's marker; null in rescue.</param>
/// <param name="Record">The boot record, after counting where something was counted; null without a valid one.</param>
/// <param name="Problem">What is wrong with the boot file, or "".</param>
internal sealed record Choice(BootDecision Decision, DeploymentMarker? Marker, BootRecord? Record, string Problem)
{
    public override string ToString() => Decision.ToString();

    /// <summary>Whether the tree that boots still has to prove itself.</summary>
    public bool IsTrial => Decision is BootDecision.Boot { Reason: not BootReason.Override } && Record?.State == BootState.Trial;

    /// <summary>The record for /run/ctree/booted.</summary>
    public BootedRecord Booted(BootDecision.Boot boot) => new()
    {
        Deployment = boot.Deployment,
        Commit = Marker?.Commit ?? "",
        Reason = boot.Reason,
        State = Record?.State,
        Tries = Record?.TriesLeft ?? 0,
        Selector = Version,
        Problem = Problem,
    };

    /// <summary>The selector's version.</summary>
    public static string Version { get; } = typeof(Choice).Assembly.GetName().Version?.ToString(3) ?? "";
}
