using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>A branch that follows a git repository, and how that goes.</summary>
/// <param name="Settings">What was asked for.</param>
/// <param name="State">What came of it.</param>
/// <param name="Secret">Of its hook: only in the answer that made it.</param>
public sealed record FollowInfo(FollowRequest Settings, FollowProgress State, string? Secret = null);

/// <summary>How far a branch has followed.</summary>
/// <param name="Asked">How often a look was asked for.</param>
/// <param name="Answered">How many of these were done when the last look ended.</param>
/// <param name="Next">When it is looked at next.</param>
/// <param name="Looked">When the last look ended; absent before the first.</param>
/// <param name="Seen">The revision that the repository was at.</param>
/// <param name="Published">The revision that was published last.</param>
/// <param name="Commit">The commit that this made, or that had its tree already.</param>
/// <param name="Sequence">Where that led the branch.</param>
/// <param name="Failures">How many looks in a row did not reach the repository.</param>
/// <param name="Code">The <see cref="ExitCode"/> that stands for <paramref name="Error"/>.</param>
/// <param name="Error">Why the branch stays where it is.</param>
public sealed record FollowProgress(
    long Asked, long Answered, DateTimeOffset Next, DateTimeOffset? Looked = null, string? Seen = null, string? Published = null, ObjectId? Commit = null,
    long? Sequence = null, long? Failures = null, int? Code = null, string? Error = null);

/// <summary>All branches that follow git repositories.</summary>
public sealed record FollowList(IReadOnlyList<FollowInfo> Follows);
