namespace ContentTree.Store.Protocol;

/// <summary>What happened on a device since the last report. Repeats are harmless: the server knows events by their sequence.</summary>
/// <param name="Events">Oldest first, at most <see cref="MaxEvents"/>.</param>
public sealed record ReportRequest(IReadOnlyList<ReportEvent> Events)
{
    /// <summary>Events in one report, at most.</summary>
    public const int MaxEvents = 100;
}
