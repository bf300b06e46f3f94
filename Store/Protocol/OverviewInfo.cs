namespace ContentTree.Store.Protocol;

/// <summary>How the fleet stands, as the first page of the dashboard says it.</summary>
/// <param name="Time">When that was looked at.</param>
/// <param name="Branches">By branch, that of most devices first.</param>
/// <param name="Cloned">Keys in use at two places.</param>
/// <param name="Forked">Devices with another commit at a number of this server.</param>
/// <param name="LowSpace">Devices whose disks are nearly full.</param>
/// <param name="Rollouts">Those that are not over, newest first.</param>
/// <param name="OldBackup">When the last backup was made, if that is too long ago.</param>
public sealed record OverviewInfo(DateTimeOffset Time, IReadOnlyList<OverviewBranch> Branches, long Cloned, long Forked, long LowSpace, IReadOnlyList<RolloutInfo> Rollouts, DateTimeOffset? OldBackup = null);
