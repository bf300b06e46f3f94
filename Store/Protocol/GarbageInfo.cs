using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

/// <summary>What a garbage collection did, or would do.</summary>
/// <param name="DryRun">Whether nothing was removed.</param>
/// <param name="Objects">Removed.</param>
/// <param name="Bytes">Of these at rest.</param>
/// <param name="Left">Objects that stay.</param>
/// <param name="Deltas">Removed.</param>
/// <param name="DeltaBytes">Of these.</param>
/// <param name="Removed">Commits that went.</param>
/// <param name="Kept">Commits that stay, and why.</param>
/// <param name="Silent">Devices that keep commits and were not heard of for long.</param>
/// <param name="About">Of all these commits by id: when it was made, its version and its subject.</param>
public sealed record GarbageInfo(
    bool DryRun, long Objects, long Bytes, long Left, long Deltas, long DeltaBytes, IReadOnlyList<ObjectId> Removed, IReadOnlyList<KeptCommit> Kept, IReadOnlyList<SilentDevice> Silent,
    IReadOnlyDictionary<string, string> About);
