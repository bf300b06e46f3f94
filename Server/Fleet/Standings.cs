using ContentTree.Store.Protocol;

namespace ContentTree.Server.Fleet;

/// <summary>Why a device does not run what it should: one rule for the command line, the pages and the counts.</summary>
internal static class Standings
{
    /// <summary>Polls that a device may miss before it counts as silent.</summary>
    public const int SilentPolls = 3;

    /// <param name="device">Beside its target.</param>
    /// <param name="silentBefore">Who was last heard of before is silent.</param>
    public static Standing Of(DeviceInfo device, DateTimeOffset silentBefore) => device switch
    {
        { State: DeviceState.Pending } => Standing.Pending,
        { State: DeviceState.Rejected } => Standing.Rejected,
        _ when device.LastSeen < silentBefore => Standing.Silent,
        _ => Sync(device),
    };

    /// <summary>The same of what was last heard, however long ago.</summary>
    public static Standing Sync(DeviceInfo device) =>
        device.LastSeen is null || device.Target is not { } target ? Standing.Unknown
        : device.IsAhead == true ? Standing.Ahead
        : device.Running == target ? Standing.InSync
        : device.Failed == target ? Standing.FellBack
        : device.Hold == true || device.Assignment is { Action: "hold", Taken: true } ? Standing.Held
        : device.Wanted == target ? Standing.Updating
        : Standing.Behind;

    public static string Word(Standing standing) => standing switch
    {
        Standing.InSync => "in sync",
        Standing.Updating => "updating",
        Standing.Behind => "behind",
        Standing.Held => "held",
        Standing.Ahead => "ahead",
        Standing.FellBack => "fell back",
        Standing.Silent => "silent",
        Standing.Pending => "pending",
        Standing.Rejected => "rejected",
        _ => "-",
    };
}
