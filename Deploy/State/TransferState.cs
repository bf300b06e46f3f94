using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.State;

/// <summary>What limits downloads and must outlive a restart. <c>state/transfer.json</c>.</summary>
/// <param name="Policy">What the server asked for at the last poll.</param>
/// <param name="Day">The day, in UTC, for which bytes are counted.</param>
/// <param name="Bytes">Bytes of that day's budget that are used or set aside.</param>
/// <param name="IsPrivate">A branch followed here was private once, so what is in the store may be.</param>
internal sealed record TransferState(TransferPolicy? Policy = null, DateOnly Day = default, long Bytes = 0, bool IsPrivate = false)
{
    public string Schema { get; init; } = "ctree.transfer/1";
}
