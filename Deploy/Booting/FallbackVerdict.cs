using ContentTree.BootFile;
using ContentTree.Deploy.State;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Booting;

/// <summary>Why a trial failed, as far as the device can know: what the agent wrote in its boots decides, then what they left behind.</summary>
/// <param name="Reason">A word of <see cref="Denials"/>.</param>
/// <param name="Text">For people.</param>
internal sealed record FallbackVerdict(string Reason, string Text)
{
    /// <summary>The tree is only suspected: without it the server may be out of reach as well.</summary>
    public bool IsSuspicion => Reason == Denials.LostNetwork;

    public ExitCode Code => IsSuspicion ? ExitCode.Unreachable : ExitCode.Failed;

    /// <summary>
    /// A check that failed says most. That tries are used up says nothing by itself: the power may have gone each time, so only what no
    /// power cut leaves behind condemns a tree that never spoke.
    /// </summary>
    public static FallbackVerdict Of(DeploymentName failed, TrialState trial, IReadOnlyList<Evidence> evidence, bool confirmedByPerson)
    {
        if (trial.Boots.LastOrDefault(b => b.Word == TrialWord.Sick) is { } sick)
            return new FallbackVerdict(Denials.FailedHealth, $"{failed}: {sick.Text}");
        if (trial.Boots.LastOrDefault(b => b.Word == TrialWord.Unreached) is { } lost)
            return new FallbackVerdict(Denials.LostNetwork, $"{failed}: {lost.Text}");
        if (evidence.FirstOrDefault(e => e.Fault is not null) is { } wrong)
            return new FallbackVerdict(Denials.FailedBoot, $"{failed} used up its tries: {wrong.Fault}");
        if (trial.Boots.Count == 0)
            return new FallbackVerdict(Denials.NeverRan, $"{failed} used up its tries, its agent never ran and nothing tells why: power cuts, or the tree");
        return confirmedByPerson
            ? new FallbackVerdict(Denials.NotConfirmed, $"nobody confirmed {failed}")
            : new FallbackVerdict(Denials.Interrupted, $"{failed} used up its tries, though its agent ran and found nothing wrong: power cuts, or it died later");
    }
}
