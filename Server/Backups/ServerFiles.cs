using System.Text;
using ContentTree.Server.Auditing;
using ContentTree.Server.Compositions;
using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Backups;

/// <summary>Everything of a server's directory but objects and deltas, in the order in which it may be copied while the server runs.</summary>
internal sealed class ServerFiles(DataDirectory data)
{
    private const int MaxFileBytes = 1024 * 1024;

    public void AddTo(ArchiveWriter archive, bool withKeys)
    {
        // Heads are signed under the root that lies beside them: no new root comes in between.
        using (data.Trust.Lock(exclusive: false))
        {
            // The newest before the archived ones: each of them is in the archive by then.
            AddTree(archive, "repo/heads");
            AddTree(archive, "repo/history");
            AddFolder(archive, "repo/trust");
        }
        // After the heads: a branch that was made private before its first head is so in the backup too.
        AddFile(archive, "repo/private.json");
        AddFile(archive, "repo/protected.json");
        if (Directory.Exists(Path.Combine(data.Path, "repo/moves")))
            AddTree(archive, "repo/moves");
        AddFile(archive, ServerSettings.FileName);
        AddFile(archive, RecipeBook.Name);
        foreach (var folder in withKeys ? new[] { BackupPaths.Keys, BackupPaths.OnlineKeys } : [])
            AddFolder(archive, folder.TrimEnd('/'));
        // Before the database: the log in it has at least this entry.
        AddFile(archive, AuditHeadFile.Name);
        AddDatabase(archive);
    }

    private void AddDatabase(ArchiveWriter archive)
    {
        var copy = Path.Combine(data.UploadPath, $"backup-{Guid.NewGuid():N}.db");
        try
        {
            data.OpenDatabase().CopyTo(copy);
            using var content = File.OpenRead(copy);
            archive.Add(BackupPaths.Data + Path.GetFileName(data.DatabasePath), content);
        }
        finally
        {
            File.Delete(copy);
        }
    }

    private void AddTree(ArchiveWriter archive, string relative)
    {
        AddFolder(archive, relative);
        foreach (var folder in Directory.EnumerateDirectories(Path.Combine(data.Path, relative)).Order(StringComparer.Ordinal))
            AddTree(archive, $"{relative}/{Path.GetFileName(folder)}");
    }

    private void AddFolder(ArchiveWriter archive, string relative)
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(data.Path, relative)).Order(StringComparer.Ordinal))
            AddFile(archive, $"{relative}/{Path.GetFileName(file)}");
    }

    // What does not belong into a backup is, among others, a file that is being written.
    private void AddFile(ArchiveWriter archive, string relative)
    {
        var name = BackupPaths.Data + relative;
        if (!BackupPaths.IsFile(name))
            return;
        using var folder = Posix.OpenDirectory(Path.Combine(data.Path, Path.GetDirectoryName(relative) ?? ""));
        // A branch may be deleted at this moment.
        if (DurableFiles.TryRead(folder, Encoding.UTF8.GetBytes(Path.GetFileName(relative)), MaxFileBytes) is { } content)
            archive.Add(name, relative == ServerSettings.FileName ? SettingsFile.WithoutPlaces(content) : content);
    }
}
