using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>A rollout and how far it is.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Scope"><c>group:NAME</c> or <c>branch:NAME</c>.</param>
/// <param name="Branch">The branch that its devices follow.</param>
/// <param name="Commit">What goes out.</param>
/// <param name="Sequence">The position of that commit on the branch.</param>
/// <param name="Plan">How.</param>
/// <param name="State"><c>waiting</c> (for approval), <c>running</c>, <c>paused</c>, <c>finished</c>, <c>aborted</c> or <c>reverted</c>.</param>
/// <param name="Wave">The wave that it is at, from 0.</param>
/// <param name="By">Who started it.</param>
/// <param name="Created">When.</param>
/// <param name="Baseline">What devices run that were not reached, and go back to; absent when there was nothing before.</param>
/// <param name="Reason">Why; absent when nobody said.</param>
/// <param name="Note">Why it is not running; absent when it is.</param>
/// <param name="Approved">Who approved last, and what was remarked; absent when nobody.</param>
/// <param name="Reached">When enough devices of the present wave were confirmed; absent before.</param>
/// <param name="Ended">When it ended; absent before.</param>
/// <param name="Waves">The numbers of each wave.</param>
public sealed record RolloutInfo(
    long Id, string Scope, BranchName Branch, ObjectId Commit, long Sequence, RolloutPlan Plan, string State, int Wave, string By, DateTimeOffset Created,
    ObjectId? Baseline = null, string? Reason = null, string? Note = null, string? Approved = null, DateTimeOffset? Reached = null, DateTimeOffset? Ended = null,
    IReadOnlyList<RolloutWaveInfo>? Waves = null);
