using ContentTree.BootFile;
using ContentTree.Deploy.State;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Booting;

/// <summary>Why a trial failed, as far as the device can know: what the agent wrote in its boots decides.</summary>
/// <param name="Reason">A word of <see cref="Denials"/>.</param>
/// <param name="Text">For people.</param>
internal sealed record FallbackVerdict(string Reason, string Text)
{
    /// <summary>The tree is only suspected: without it the server may be out of reach as well.</summary>
    public bool IsSuspicion => Reason == Denials.LostNetwork;

    public ExitCode Code => IsSuspicion ? ExitCode.Unreachable : ExitCode.Failed;

    /// <summary>A check that failed says most; that the agent never ran says something; that it ran well says that the power went.</summary>
    public static FallbackVerdict Of(DeploymentName failed, TrialState trial, bool confirmedByPerson)
    {
        if (confirmedByPerson && trial.Boots.Count > 0)
            return new FallbackVerdict(Denials.NotConfirmed, $"nobody confirmed {failed}");
        if (trial.Boots.LastOrDefault(b => b.Word == TrialWord.Sick) is { } sick)
            return new FallbackVerdict(Denials.FailedHealth, $"{failed}: {sick.Text}");
        if (trial.Boots.LastOrDefault(b => b.Word == TrialWord.Unreached) is { } lost)
            return new FallbackVerdict(Denials.LostNetwork, $"{failed}: {lost.Text}");
        return trial.Boots.Count == 0
            ? new FallbackVerdict(Denials.FailedBoot, $"{failed} used up its tries, and its agent never ran")
            : new FallbackVerdict(Denials.Interrupted, $"{failed} used up its tries, though its agent ran and found nothing wrong: power cuts, or it died later");
    }
}
