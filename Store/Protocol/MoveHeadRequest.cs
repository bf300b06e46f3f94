using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>Moves a branch to a commit whose objects are all uploaded, if it still is where the publisher saw it.</summary>
/// <param name="Branch">The branch; made if it does not exist and 0 is expected.</param>
/// <param name="Commit">The commit it is to be at.</param>
/// <param name="ExpectedSequence">The sequence the publisher saw; 0 for no head yet.</param>
/// <param name="ExpectedCommit">The commit the publisher saw.</param>
/// <param name="Lease">The publish's lease, ended by this.</param>
/// <param name="Head">The head, signed by the publisher, byte for byte; absent when the server is to sign.</param>
/// <param name="IsQuestion">Nothing is moved: the answer tells the sequence that the head would have.</param>
/// <param name="IsRevert">The commit must be one that the branch has been at.</param>
/// <param name="Reason">Why, in one line, for the branch's history.</param>
public sealed record MoveHeadRequest(
    BranchName Branch, ObjectId Commit, long ExpectedSequence, ObjectId? ExpectedCommit = null, string? Lease = null,
    RawJson? Head = null, bool? IsQuestion = null, bool? IsRevert = null, string? Reason = null);
