using ContentTree.Store.Objects;

namespace ContentTree.Store.Trees;

/// <summary>What an import found.</summary>
/// <param name="Tree">Id of the root tree.</param>
/// <param name="Entries">Entries of every kind in all directories, the root not counted.</param>
/// <param name="Bytes">Sum of the sizes of all regular files.</param>
/// <param name="Architecture">The machine of most ELF files, as uname -m spells it; empty when there is none.</param>
/// <param name="FilesRead">Files whose content was read.</param>
/// <param name="FilesUnchanged">Files that the stat cache proved unchanged, so that only their metadata was read.</param>
public sealed record ImportResult(ObjectId Tree, long Entries, long Bytes, string Architecture, long FilesRead, long FilesUnchanged);
