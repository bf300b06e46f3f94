using System.Text;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Backups;

/// <summary>
/// Makes a server's directory from a backup. Before the first byte is written the whole archive was looked through; until the last one was, a
/// mark keeps every other verb away. Killed at any moment, the same restore goes on where it was.
/// </summary>
internal sealed class Restore(string dataPath, TimeProvider time)
{
    private const int Private = 0x180;
    private const int Public = 0x1a4;

    /// <param name="source">An archive, or a directory of backups, of which the newest is taken.</param>
    /// <param name="check">Read all of it again afterwards.</param>
    /// <returns>What was in it, and what the check found.</returns>
    /// <exception cref="DamagedBackupException">Torn, damaged, or objects are missing in the pool.</exception>
    /// <exception cref="DirectoryTakenException">The directory is not empty, or another backup was begun there.</exception>
    /// <exception cref="NotFoundException">There is no backup.</exception>
    public (BackupSummary Summary, FullCheckResult? Check) Run(string source, bool check, CancellationToken cancellation)
    {
        var archive = Choose(source);
        var directory = new BackupDirectory(Path.GetDirectoryName(Path.GetFullPath(archive)) ?? "/");
        var listPath = directory.ListPath(BackupDirectory.NumberOf(archive));
        var summary = ArchiveReader.Verify(archive, () => File.Exists(listPath) ? File.OpenRead(listPath) : null);
        if (summary.InPool)
            RequireObjects(directory, listPath);
        Begin(summary);
        DataDirectory.EnsureFolders(dataPath);
        using (var repository = Repository.Create(Path.Combine(dataPath, "repo")))
        {
            if (summary.InPool)
                CopyPool(directory, listPath, repository, cancellation);
            Unpack(archive, repository, cancellation);
        }
        SqliteDatabase.Open(Path.Combine(dataPath, DataDirectory.DatabaseName)).LogAhead();
        using var data = DataDirectory.OpenUnfinished(dataPath);
        var found = check ? FullCheck.Run(data, time, cancellation) : null;
        if (found is not { Damage.Count: > 0 })
            End();
        return (summary, found);
    }

    private static string Choose(string source)
    {
        if (File.Exists(source))
            return source;
        return new BackupDirectory(source).List() is [.., var newest]
            ? newest.Path
            : throw new NotFoundException($"{source}: no backup there; 'ctree-server backup {source}' makes one");
    }

    private void Begin(BackupSummary summary)
    {
        Directory.CreateDirectory(dataPath);
        using var root = Posix.OpenDirectory(dataPath);
        var mark = summary.Encode();
        if (DurableFiles.TryRead(root, DataDirectory.UnfinishedMark, mark.Length + 1024) is { } begun)
        {
            if (!begun.AsSpan().SequenceEqual(mark))
                throw new DirectoryTakenException($"{dataPath}: the restore of another backup was begun there; remove the directory or name another one");
            return;
        }
        // The mark itself may have been killed while it was written.
        if (Directory.EnumerateFileSystemEntries(dataPath).All(entry => Path.GetFileName(entry).StartsWith(".new-", StringComparison.Ordinal)))
            DurableFiles.RemoveTemporaries(dataPath);
        else
            throw new DirectoryTakenException($"{dataPath} is not empty: a backup is restored into an empty directory only; name another one, or move this one away");
        DurableFiles.Replace(root, DataDirectory.UnfinishedMark, mark);
    }

    private static void RequireObjects(BackupDirectory directory, string listPath)
    {
        using var pool = Repository.Open(directory.PoolPath);
        foreach (var name in ObjectList.Read(listPath))
        {
            if (!pool.Contains(name))
                throw new DamagedBackupException($"{directory.PoolPath}: objects of this backup are missing, for instance {name}; take another one");
        }
    }

    private static void CopyPool(BackupDirectory directory, string listPath, Repository repository, CancellationToken cancellation)
    {
        using var pool = Repository.Open(directory.PoolPath);
        using var copy = new ObjectCopy(repository);
        foreach (var name in ObjectList.Read(listPath))
        {
            cancellation.ThrowIfCancellationRequested();
            copy.Put(name, () => new FileStream(pool.OpenStored(name), FileAccess.Read, bufferSize: 0));
        }
        copy.Complete();
        foreach (var delta in Directory.EnumerateFiles(Path.Combine(pool.Path, "deltas"), "*.ctd"))
            FileCopy.Durably(delta, Path.Combine(repository.Path, "deltas", Path.GetFileName(delta)));
    }

    private void Unpack(string archive, Repository repository, CancellationToken cancellation)
    {
        using var copy = new ObjectCopy(repository);
        foreach (var (name, content) in ArchiveReader.Members(archive))
        {
            cancellation.ThrowIfCancellationRequested();
            if (BackupPaths.TryObject(name, out var found))
                copy.Put(found, () => content);
            else if (BackupPaths.IsDelta(name))
                FileCopy.Durably(content, Path.Combine(repository.Path, name), Public);
            else if (BackupPaths.IsFile(name))
                Place(name[BackupPaths.Data.Length..], content);
        }
        copy.Complete();
    }

    private void Place(string relative, Stream content)
    {
        var isPublic = relative.StartsWith("repo/", StringComparison.Ordinal);
        var path = Path.Combine(dataPath, relative);
        if (isPublic)
            Directory.CreateDirectory(Path.GetDirectoryName(path) ?? dataPath);
        FileCopy.Durably(content, path, isPublic ? Public : Private);
        // What the server that was backed up has elsewhere is in the backup; neither its database nor its bucket is to be touched from here.
        if (relative == ServerSettings.FileName)
            foreach (var key in new[] { ServerSettings.DatabaseKey, ServerSettings.ObjectsKey })
                SettingsFile.Write(dataPath, key, null);
        // What an interrupted restore had begun with the same database.
        if (relative == DataDirectory.DatabaseName)
            foreach (var suffix in new[] { "-wal", "-shm" })
                File.Delete(path + suffix);
    }

    private void End()
    {
        using var root = Posix.OpenDirectory(dataPath);
        Posix.SyncFilesystem(root, dataPath);
        Posix.UnlinkAt(root, DataDirectory.UnfinishedMark);
        Posix.Fsync(root, dataPath);
    }
}
