namespace ContentTree.Server.Backups;

/// <summary>A finished backup.</summary>
/// <param name="Path">Its archive.</param>
/// <param name="Bytes">The archive's size.</param>
/// <param name="Summary">What is in it.</param>
/// <param name="Copied">Objects that were not in the pool before, and their bytes.</param>
/// <param name="Pruned">Older backups and objects that went.</param>
/// <param name="LeftOut">Damaged objects that are not in it.</param>
internal sealed record WrittenBackup(string Path, long Bytes, BackupSummary Summary, (long Objects, long Bytes) Copied, (int Backups, long Objects) Pruned, long LeftOut);
