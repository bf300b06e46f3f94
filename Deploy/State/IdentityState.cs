using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.State;

/// <summary>Who this device is when it does not have its first key any more. <c>state/identity.json</c>; absent before that.</summary>
/// <param name="Device">Its id: that of its first key.</param>
/// <param name="Keys">The keys it has had, oldest first; while a change is under way the last one is still to come.</param>
/// <param name="Since">When the last one was made.</param>
internal sealed record IdentityState(KeyId Device, IReadOnlyList<KeyLink> Keys, DateTimeOffset Since)
{
    public string Schema { get; init; } = "ctree.identity/1";
}
