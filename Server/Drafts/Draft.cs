using ContentTree.Store.Objects;

namespace ContentTree.Server.Drafts;

/// <summary>A publish that is looked at before anything moves.</summary>
/// <param name="Beat">When its work was last seen to go on.</param>
/// <param name="Base">Where its branch was when it began.</param>
/// <param name="Commit">What it would lead the branch to, once it is read.</param>
internal sealed record Draft(
    string Id, BranchName Branch, string Source, string Version, string Subject, string By, DateTimeOffset Created, DateTimeOffset Beat, DraftState State,
    string Step, string Message, ObjectId? Base = null, ObjectId? Commit = null, long Objects = 0, long Bytes = 0);

/// <summary>How far a draft is.</summary>
internal enum DraftState
{
    Reading,
    Ready,
    Unchanged,
    Failed,
    Published,
    Dropped,
}
