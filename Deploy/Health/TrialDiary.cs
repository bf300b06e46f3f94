using System.Text;
using ContentTree.BootFile;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.State;
using ContentTree.Store;

namespace ContentTree.Deploy.Health;

/// <summary>
/// What the agent says of a trial while it runs, durably, because the next moment may be its last: how each boot stands in
/// <c>state/trial.json</c>, and what led to the last verdict in <c>state/trial.txt</c>. Written when something changes, not each round.
/// </summary>
internal sealed class TrialDiary(Device device)
{
    private const int MaxEvidence = 64 * 1024;
    private static ReadOnlySpan<byte> EvidenceName => "trial.txt"u8;

    /// <summary>A trial is about to begin: what was seen of an earlier one of the same deployment no longer counts, nor what spoke against others.</summary>
    public void Begin(DeploymentName trial)
    {
        var older = new TrialEvidence(device).Marks(trial);
        // Where there is nothing to tell apart nothing is written: a switch should not cost the medium more than it must.
        if (older.Count > 0 || device.State.Trial?.Deployment == trial)
            device.State.Trial = new TrialState(trial, []) { Older = older };
    }

    /// <summary>Says how the running boot of a trial stands.</summary>
    /// <param name="evidence">Output of checks, failed units, the kernel's log: made only if it is new.</param>
    public void Say(DeploymentName trial, TrialWord word, string text, Func<string>? evidence = null)
    {
        if (device.Boot.Read() is not { } record)
            return;
        var known = device.State.Trial is { } state && state.Deployment == trial ? state : new TrialState(trial, []);
        if (known.Boots.FirstOrDefault(b => b.Boot == record.Sequence) is { } said && said.Word == word && said.Text == text)
            return;
        if (evidence is not null)
            Write(evidence());
        device.State.Trial = known.With(new TrialBoot(record.Sequence, device.Clock.GetUtcNow(), word, text));
    }

    /// <summary>What was seen of a deployment's trial; no boots if nothing was.</summary>
    public TrialState Of(DeploymentName trial) =>
        device.State.Trial is { } state && state.Deployment == trial ? state : new TrialState(trial, []);

    /// <summary>What led to the last verdict, or "".</summary>
    public string Evidence()
    {
        using var state = Posix.OpenDirectory(device.Layout.State);
        return DurableFiles.TryRead(state, EvidenceName, MaxEvidence + 1) is { } bytes ? Encoding.UTF8.GetString(bytes) : "";
    }

    private void Write(string evidence)
    {
        var bytes = Encoding.UTF8.GetBytes(evidence);
        using var state = Posix.OpenDirectory(device.Layout.State);
        DurableFiles.Replace(state, EvidenceName, bytes.AsSpan(Math.Max(0, bytes.Length - MaxEvidence)));
    }
}
