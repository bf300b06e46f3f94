using ContentTree.BootFile;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Booting;

/// <summary>What there is to tell of a trial that failed.</summary>
/// <param name="Record">The boot file after the fallback.</param>
/// <param name="Commit">Of the deployment that failed; null where nothing names it any more.</param>
/// <param name="Booted">What the selector chose instead.</param>
/// <param name="Verdict">The conclusion.</param>
/// <param name="Evidence">What it rests on, beside the agent's own notes.</param>
internal sealed record FailedTrial(BootRecord Record, ObjectId? Commit, BootedRecord Booted, FallbackVerdict Verdict, IReadOnlyList<Evidence> Evidence);
