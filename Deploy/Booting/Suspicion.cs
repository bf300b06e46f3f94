using ContentTree.Deploy.State;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Booting;

/// <summary>
/// A commit that passed its checks but never reached the server is to blame only if the tree before it reaches the server right away.
/// If that one waits as well, an access point is down or a server: nothing is denied, and the update is taken again.
/// </summary>
internal static class Suspicion
{
    public static void Raise(Device device, ObjectId commit) =>
        device.State.Last = device.State.Last with { Suspect = new Suspect(commit, device.Clock.GetUtcNow()) };

    /// <summary>Call when the server was reached, and before its answer is acted upon.</summary>
    public static void Settle(Device device)
    {
        if (device.State.Last is not { Suspect: { } suspect } last || device.Booted?.Commit == suspect.Commit.ToString())
            return;
        var isToBlame = device.Config.ReachDeadline == TimeSpan.Zero || Waited(device, suspect) < device.Config.ReachDeadline;
        if (isToBlame)
        {
            var denial = device.Denials.Add(suspect.Commit, Denials.LostNetwork, "the server was out of its reach, and is not without it");
            device.State.Happened(EventKind.Denied, suspect.Commit, null, ExitCode.Unreachable, denial.Text);
        }
        device.State.Last = last with { Suspect = null, Failed = isToBlame ? suspect.Commit : last.Failed };
    }

    // Not by the clock where a boot lies between, since a device without a battery sets it when it reaches the network.
    private static TimeSpan Waited(Device device, Suspect suspect) => device.Root.IsGiven || device.Config.IsLinked
        ? device.Clock.GetUtcNow() - suspect.Since
        : TimeSpan.FromMilliseconds(Environment.TickCount64);
}
