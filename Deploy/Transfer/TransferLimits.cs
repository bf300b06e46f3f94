using ContentTree.Deploy.Config;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Transfer;

/// <summary>The stricter of what the device's files and its server say.</summary>
/// <param name="MaxRate">Bytes a second; 0: no limit.</param>
/// <param name="DailyBudget">Bytes a day; 0: no limit.</param>
/// <param name="Quiet">Times of the day without downloads.</param>
internal sealed record TransferLimits(long MaxRate, long DailyBudget, IReadOnlyList<QuietHours> Quiet)
{
    // A policy is not signed, and the next is heard after a download: with these a device comes to its end, and hears it.
    private const long LeastRate = 1000;
    private const long LeastBudget = 1_000_000;

    public static TransferLimits Strictest(AgentConfig config, TransferPolicy? policy) => new(
        Stricter(config.MaxRate, policy?.MaxRate, LeastRate),
        Stricter(config.DailyBudget, policy?.DailyBudget, LeastBudget),
        // What a newer server may say that we cannot read limits nothing.
        [.. new[] { config.QuietHours, QuietHours.TryParse(policy?.QuietHours ?? "") }.OfType<QuietHours>()]);

    private static long Stricter(long own, long? asked, long least) =>
        asked is > 0 && Math.Max(asked.Value, least) is var most && (own == 0 || most < own) ? most : own;
}
