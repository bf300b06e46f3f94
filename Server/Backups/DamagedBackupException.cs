namespace ContentTree.Server.Backups;

/// <summary>A backup is torn or its bytes are not what was written (exit code 14). Nothing is restored from it.</summary>
internal sealed class DamagedBackupException(string message, Exception? cause = null) : Exception(message, cause);
