namespace ContentTree.Store.Protocol;

/// <summary>How a server wants its content to be fetched. A device's own configuration may be stricter, never looser.</summary>
/// <param name="MaxRate">Bytes a second over all connections; absent: no limit.</param>
/// <param name="DailyBudget">Bytes a day, counted from midnight UTC; absent: no limit.</param>
/// <param name="QuietHours">No content in this time of every day, <c>22:00-06:00</c> local time or <c>22:00-06:00 UTC</c>; absent: any time.</param>
public sealed record TransferPolicy(long? MaxRate = null, long? DailyBudget = null, string? QuietHours = null);
