using ContentTree.BootFile;

namespace ContentTree.Tests.Crash;

/// <summary>What a kernel finds on the boot partition of a disk, and what the selector would do with it.</summary>
/// <param name="Record">The boot record that counts.</param>
/// <param name="Assets">The kernel of the deployment that the selector would start.</param>
/// <param name="Sums">Every file of the boot partition by its path, with the hash of its content.</param>
/// <param name="Texts">The small files of the loader by their path, with their content.</param>
internal sealed record FatSight(BootRecord Record, string Assets, IReadOnlyDictionary<string, string> Sums, IReadOnlyDictionary<string, string> Texts);
