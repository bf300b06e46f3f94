using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.State;

/// <summary>How far the device is let in. <c>state/enrolment.json</c>, readable by its owner only.</summary>
/// <param name="Answer">The server's last word; absent before the first contact.</param>
/// <param name="Token">An enrolment token that has not been used up yet.</param>
internal sealed record EnrolmentState(DeviceState? Answer = null, string? Token = null)
{
    public string Schema { get; init; } = "ctree.enrolment/1";
}
