namespace ContentTree.Server.Backups;

/// <summary>There is something where only an empty directory may be (exit code 18).</summary>
internal sealed class DirectoryTakenException(string message) : Exception(message);
