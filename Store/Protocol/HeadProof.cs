using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>A head that a device has and the server does not know, as one that was restored from a backup: release keys have signed it, so it proves itself.</summary>
/// <param name="Branch">Its branch.</param>
/// <param name="Head">The signed head, byte for byte.</param>
public sealed record HeadProof(BranchName Branch, RawJson Head);
