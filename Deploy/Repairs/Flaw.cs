using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Repairs;

/// <summary>A name in a deployment that is not what its tree says.</summary>
/// <param name="Directory">The open directory that has, or lacks, the name.</param>
/// <param name="Name">The name.</param>
/// <param name="Expected">What belongs there; null when nothing does.</param>
/// <param name="Path">For people: deployment and path.</param>
/// <param name="Reason">What is wrong.</param>
internal sealed record Flaw(SafeFileHandle Directory, EntryName Name, TreeEntry? Expected, string Path, string Reason);
