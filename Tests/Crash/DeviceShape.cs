using ContentTree.BootFile;
using ContentTree.BootSelector;
using ContentTree.Deploy;
using ContentTree.Deploy.Deployments;
using ContentTree.Deploy.State;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Crash;

/// <summary>What a device is, apart from numbers and times: two devices that did the same have equal ones.</summary>
/// <param name="Boots">The commit that the selector would start; null when it would go to rescue.</param>
/// <param name="Text">Boot file, deployments, notes, deny list, what is followed and trusted, and the names of all objects.</param>
/// <param name="Events">What the server is told.</param>
/// <param name="Seen">The highest sequence seen of each branch.</param>
/// <param name="TrustRoot">The bytes of the trust root.</param>
internal sealed record DeviceShape(ObjectId? Boots, string Text, IReadOnlyList<string> Events, IReadOnlyList<SeenBranch> Seen, string TrustRoot)
{
    public static IReadOnlyList<FinishedDeployment> Deployments(CrashDevice device) =>
        Directory.Exists(device.Layout.Deployments) ? [.. FinishedDeployment.Scan(device.Layout)] : [];

    public static DeviceShape Of(CrashDevice device)
    {
        var root = new DeviceRoot(device.Root, IsGiven: true);
        var state = new DeviceStateFiles(root, TimeProvider.System);
        var deployments = Deployments(device);
        string Name(DeploymentName? name) => deployments.FirstOrDefault(d => d.Name == name)?.Commit.ToString() ?? $"{name}";
        var record = device.Boot.Read();
        var follow = state.TryFollow;
        string[] lines =
        [
            $"boot file {record?.State} {Name(record?.Wanted)} {Name(record?.Previous)} {record?.TriesLeft}",
            .. deployments.Select(d => $"deployment {d.Commit}").Order(StringComparer.Ordinal),
            .. state.Deployments.Deployments.Select(d => $"note {d.Commit} {d.Confirmed} {d.Kept} {d.Sequence}").Order(StringComparer.Ordinal),
            .. new Denials(root, TimeProvider.System).List().Select(d => $"denied {d.Commit} {d.Reason}"),
            $"follow {follow?.Branch} {follow?.Commit} {follow?.Skip}",
            .. Directory.GetFiles(root.Store, "*", SearchOption.AllDirectories).Select(path => path[root.Store.Length..]).Order(StringComparer.Ordinal),
        ];
        var events = state.Events;
        return new DeviceShape(
            Chosen(device) is { } chosen ? deployments.First(d => d.Name == chosen).Commit : null,
            string.Join('\n', lines),
            [.. (events.Delivered ?? []).Concat(events.Events).Select(e => $"{e.Kind} {e.Commit}")],
            Trusted(root),
            new TrustState(root, TimeProvider.System).TryRoot()?.Fingerprint.ToString() ?? "");
    }

    /// <summary>What the selector would start now; it counts nothing here.</summary>
    public static DeploymentName? Chosen(CrashDevice device) =>
        new Selector(device.Layout, device.Boot, new KernelCommandLine("")).Look().Decision is BootDecision.Boot boot ? boot.Deployment : null;

    private static IReadOnlyList<SeenBranch> Trusted(DeviceRoot root)
    {
        var trust = new TrustState(root, TimeProvider.System);
        return [.. new[] { "main", "other" }.Select(name => Directory.Exists(root.Trust) ? trust.Seen(BranchName.Parse(name)) : null).OfType<SeenBranch>()];
    }
}
