using ContentTree.Store.Protocol;

namespace ContentTree.Server.Webhooks;

/// <summary>What webhooks are told of.</summary>
internal static class WebhookEvent
{
    /// <summary>A branch is at another commit, however it came there.</summary>
    public const string Published = "commit.published";

    /// <summary>A branch does not get on with the git repository that it follows.</summary>
    public const string FollowFailed = "follow.failed";

    /// <summary>A rollout began, went on to its next wave, or stopped, by itself.</summary>
    public const string RolloutMoved = "rollout.moved";

    /// <summary>A device was not heard of for too long.</summary>
    public const string Silent = DevicePrefix + "silent";

    /// <summary>A device that was silent is heard of again.</summary>
    public const string Back = DevicePrefix + "back";

    /// <summary>The same of more devices than anybody wants to hear of one by one.</summary>
    public const string ManySilent = DevicePrefix + "many-silent";

    public const string ManyBack = DevicePrefix + "many-back";

    /// <summary>Two places use a device's key, or one that it has had.</summary>
    public const string Cloned = DevicePrefix + "cloned";

    /// <summary>A device has another commit than this server at a position of its branch.</summary>
    public const string Forked = DevicePrefix + "forked";

    /// <summary>Something was noted in the audit log.</summary>
    public const string Noted = "audit.entry";

    /// <summary>Somebody tries a webhook.</summary>
    public const string Ping = "ping";

    /// <summary>Before what a device is or reports.</summary>
    public const string DevicePrefix = "device.";

    // What a device says of itself becomes no event of another name.
    private static readonly string[] Reported =
        [EventKind.Updated, EventKind.Confirmed, EventKind.FellBack, EventKind.Failed, EventKind.Denied, EventKind.RolledBack, EventKind.Damaged, EventKind.Repaired, EventKind.Configured, EventKind.NotConfigured];

    /// <summary>Every name but that of a try.</summary>
    public static IReadOnlyList<string> All { get; } =
        [Published, FollowFailed, RolloutMoved, Noted, Silent, Back, ManySilent, ManyBack, Cloned, Forked, DevicePrefix + "pending", DevicePrefix + "accepted", DevicePrefix + "rejected", .. Reported.Select(kind => DevicePrefix + kind)];

    /// <summary>The event of what was decided about a device, or null for another change.</summary>
    public static string? OfChange(AuditEntry entry) => entry.Verb switch
    {
        "device.accept" => Of(DeviceState.Accepted),
        "device.reject" => Of(DeviceState.Rejected),
        "device.enrol" => Of(entry.After.StartsWith($"{DeviceState.Pending}", StringComparison.Ordinal) ? DeviceState.Pending : DeviceState.Accepted),
        _ => null,
    };

    /// <summary>The event of a report, or null for one that is told to nobody.</summary>
    public static string? OfReport(string kind) => Reported.Contains(kind) ? DevicePrefix + kind : null;

    /// <summary>Whether who asked for one is told of the other.</summary>
    public static bool Covers(string asked, string name) => asked == "*" || asked == name || (asked.EndsWith(".*", StringComparison.Ordinal) && name.StartsWith(asked[..^1], StringComparison.Ordinal));

    /// <summary>Whether there is anything to be told of by this.</summary>
    public static bool IsKnown(string asked) => All.Any(name => Covers(asked, name));

    private static string Of(DeviceState state) => DevicePrefix + state.ToString().ToLowerInvariant();
}
