using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>How the devices of a branch stand.</summary>
/// <param name="Branch">The branch.</param>
/// <param name="Devices">All that follow it, also those that are not let in.</param>
/// <param name="Standings">How many stand how: <c>in sync</c>, <c>updating</c>, <c>behind</c>, <c>held</c>, <c>ahead</c>, <c>fell back</c>, <c>silent</c>, <c>pending</c>, <c>rejected</c>, or <c>-</c> for nothing yet.</param>
/// <param name="Version">The version of its newest commit; absent when it has none.</param>
/// <param name="Commit">Its newest commit; absent when nothing is published.</param>
public sealed record OverviewBranch(BranchName Branch, long Devices, IReadOnlyDictionary<string, long> Standings, string? Version = null, ObjectId? Commit = null);
