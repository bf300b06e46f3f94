using ContentTree.Store.Protocol;

namespace ContentTree.Server.Fleet;

/// <summary>How devices stand, in the words of the pages and the counts.</summary>
internal static class Standings
{
    /// <param name="device">Beside its target.</param>
    public static Standing Of(DeviceInfo device) => device switch
    {
        { State: DeviceState.Pending } => Standing.Pending,
        { State: DeviceState.Rejected } => Standing.Rejected,
        _ when device.Silent is not null => Standing.Silent,
        _ => Sync(device),
    };

    /// <summary>The same of what was last heard, however long ago.</summary>
    public static Standing Sync(DeviceInfo device) =>
        Enum.GetValues<Standing>().FirstOrDefault(standing => Word(standing).Replace(' ', '-') == device.Sync, Standing.Unknown);

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
