using ContentTree.Store.Objects;

namespace ContentTree.Store.Trees;

/// <summary>A tree that is in a repository with all that it reaches, and what it comes to.</summary>
/// <param name="Tree">Its root.</param>
/// <param name="Entries">Entries of every kind, the root not counted.</param>
/// <param name="Bytes">Sum of the sizes of all regular files.</param>
/// <param name="Files">Regular files.</param>
/// <param name="Machines">ELF files by <see cref="ElfMachine.Detect"/>.</param>
public sealed record PresentTree(ObjectId Tree, long Entries, long Bytes, long Files, IReadOnlyDictionary<ushort, long> Machines);
