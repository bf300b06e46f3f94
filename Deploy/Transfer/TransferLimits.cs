using ContentTree.Deploy.Config;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Transfer;

/// <summary>The stricter of what the device's files and its server say.</summary>
/// <param name="MaxRate">Bytes a second; 0: no limit.</param>
/// <param name="DailyBudget">Bytes a day; 0: no limit.</param>
/// <param name="Quiet">Times of the day without downloads.</param>
internal sealed record TransferLimits(long MaxRate, long DailyBudget, IReadOnlyList<QuietHours> Quiet)
{
    public static TransferLimits Strictest(AgentConfig config, TransferPolicy? policy) => new(
        Stricter(config.MaxRate, policy?.MaxRate),
        Stricter(config.DailyBudget, policy?.DailyBudget),
        // What a newer server may say that we cannot read limits nothing.
        [.. new[] { config.QuietHours, QuietHours.TryParse(policy?.QuietHours ?? "") }.OfType<QuietHours>()]);

    private static long Stricter(long own, long? asked) => asked is > 0 && (own == 0 || asked < own) ? asked.Value : own;
}
