using ContentTree.Store.Objects;

namespace ContentTree.Deploy.State;

/// <summary>How far the archived heads were looked at for barriers, so that none is asked for twice. <c>state/barriers.json</c>.</summary>
/// <param name="Branch">Whose heads.</param>
/// <param name="Running">What the device ran then: it stands somewhere before.</param>
/// <param name="Checked">Between what it ran and this position, and there, is no barrier that it has not passed.</param>
/// <param name="Behind">As far as this position the branch did not come back to what it ran.</param>
internal sealed record BarrierState(BranchName? Branch = null, ObjectId? Running = null, long Checked = 0, long Behind = 0)
{
    public string Schema { get; init; } = "ctree.barriers/1";
}
