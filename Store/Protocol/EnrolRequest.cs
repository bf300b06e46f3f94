using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

/// <summary>A device introduces itself. Its signature over the request proves that it holds the key.</summary>
/// <param name="PublicKey">The device key as PEM; the id of its first key becomes the device's id.</param>
/// <param name="Name">The name people know it by, usually the host name.</param>
/// <param name="Hardware">The hardware string that commits are compared with; empty if not known.</param>
/// <param name="Architecture">The processor architecture.</param>
/// <param name="Branch">The branch it wants to follow.</param>
/// <param name="Token">An enrolment token, which accepts the device at once.</param>
/// <param name="Serial">What is printed on the board; empty or absent if not known. A second key for one that is known waits for a person.</param>
/// <param name="Device">The device's id, once it has another key than its first.</param>
/// <param name="Keys">The keys it has had, oldest first, this one last, once it has another than its first.</param>
public sealed record EnrolRequest(
    string PublicKey, string Name, string Hardware, string Architecture, BranchName Branch, string? Token = null, string? Serial = null,
    KeyId? Device = null, IReadOnlyList<KeyLink>? Keys = null);
