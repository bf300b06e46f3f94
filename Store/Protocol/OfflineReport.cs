using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

/// <summary>What a device that reaches no server would have told it; a stick carries it there (docs/protocol.md "Reports on a stick").</summary>
/// <param name="Device">Who it is.</param>
/// <param name="Created">When, by the device's clock.</param>
/// <param name="Poll">What a poll would have said.</param>
/// <param name="Events">What the server has not got yet, oldest first, at most <see cref="MaxEvents"/>.</param>
/// <param name="BlackBoxes">What is known of trials that failed, and was not sent, newest first, at most <see cref="MaxBlackBoxes"/>.</param>
public sealed record OfflineReport(KeyId Device, DateTimeOffset Created, PollRequest Poll, IReadOnlyList<ReportEvent> Events, IReadOnlyList<BlackBoxRequest>? BlackBoxes = null)
{
    /// <summary>Black boxes in one report, at most.</summary>
    public const int MaxBlackBoxes = 20;

    /// <summary>Events in one report, at most.</summary>
    public const int MaxEvents = 500;

    /// <summary>A report's file ends with it.</summary>
    public const string FileSuffix = ".ctreport";
}
