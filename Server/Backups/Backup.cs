using ContentTree.Server.Commands;
using ContentTree.Server.Storage;
using ContentTree.Store.Deltas;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Backups;

/// <summary>
/// Writes a backup of a server's directory, also while it runs. Heads first and objects last, and no garbage collection meanwhile: a head
/// that is in the backup finds in it all that it needs, whoever publishes. Who is killed leaves no archive, and the older ones as they are.
/// A damaged object is left out and named: in a pool it would stand in the way of the intact one for ever.
/// </summary>
/// <param name="leftOut">Is told why, object by object.</param>
internal sealed class Backup(DataDirectory data, BackupOptions options, TimeProvider time, Action<string> leftOut)
{
    private const string FileSuffix = ".tar";

    private long _leftOut;

    /// <param name="target">A name that ends in ".tar", or a directory of backups.</param>
    public WrittenBackup Write(string target, CancellationToken cancellation)
    {
        if ((Path.GetFullPath(target) + "/").StartsWith(Path.GetFullPath(data.Path) + "/", StringComparison.Ordinal))
            throw new UsageException($"{target} is in the directory that is backed up: name another place");
        using var held = data.Repository.HoldGarbage();
        var written = target.EndsWith(FileSuffix, StringComparison.Ordinal) ? WriteFile(target, cancellation) : WriteDirectory(new BackupDirectory(target), cancellation);
        Note();
        return written;
    }

    private WrittenBackup WriteFile(string target, CancellationToken cancellation)
    {
        if (File.Exists(target))
            throw new UsageException($"{target} exists: a backup overwrites no other");
        using var file = new NewFile(target);
        var (summary, copied) = WriteArchive(file.Stream, cancellation);
        file.Complete();
        return new WrittenBackup(target, new FileInfo(target).Length, summary, copied, default, _leftOut);
    }

    /// <summary>All of it as one archive, as it is read.</summary>
    /// <param name="target">Is only written to.</param>
    public BackupSummary Write(Stream target, CancellationToken cancellation)
    {
        using var held = data.Repository.HoldGarbage();
        var summary = WriteArchive(target, cancellation).Summary;
        Note();
        return summary;
    }

    // One that something was left out of is none to rely on.
    private void Note()
    {
        if (_leftOut == 0)
            new LastBackup(data.OpenDatabase(), data.Path, time).Note();
    }

    private (BackupSummary Summary, (long Objects, long Bytes) Copied) WriteArchive(Stream target, CancellationToken cancellation)
    {
        var created = time.GetUtcNow();
        using var archive = new ArchiveWriter(target);
        new ServerFiles(data).AddTo(archive, options.WithKeys);
        long objects = 0, bytes = 0;
        using var check = new FrameCheck();
        foreach (var name in Objects())
        {
            cancellation.ThrowIfCancellationRequested();
            FileStream? frame = null;
            // A bucket's damage shows when it is opened.
            var isWhole = IsWhole(() => check.Read(name, frame = Open(name)));
            using var opened = frame;
            if (!isWhole || opened is null)
                continue;
            opened.Position = 0;
            archive.AddProved(name.RelativePath, opened);
            objects++;
            bytes += opened.Length;
        }
        foreach (var delta in Deltas())
        {
            using var file = File.OpenRead(delta);
            archive.AddProved(BackupPaths.Deltas + Path.GetFileName(delta), file);
        }
        return (archive.Complete(created, objects, inPool: false, options.WithKeys, _leftOut), (objects, bytes));
    }

    private WrittenBackup WriteDirectory(BackupDirectory directory, CancellationToken cancellation)
    {
        using var alone = directory.Take();
        var number = (directory.List() is [.., var newest] ? newest.Number : 0) + 1;
        var created = time.GetUtcNow();
        var path = directory.ArchivePath(number, created);
        using var file = new NewFile(path);
        using var archive = new ArchiveWriter(file.Stream);
        new ServerFiles(data).AddTo(archive, options.WithKeys);
        using var pool = directory.OpenPool();
        var (objects, copied) = CopyObjects(pool, directory.ListPath(number), cancellation);
        CopyDeltas(pool);
        using (var list = File.OpenRead(directory.ListPath(number)))
            archive.Count(ObjectList.MemberName, list);
        var summary = archive.Complete(created, objects, inPool: true, options.WithKeys, _leftOut);
        file.Complete();
        // Where something was left out, an older one may be the last that is complete.
        var pruned = options.Keep is { } keep && _leftOut == 0 ? directory.Prune(keep) : default;
        return new WrittenBackup(path, new FileInfo(path).Length, summary, copied, pruned, _leftOut);
    }

    private (long Objects, (long, long) Copied) CopyObjects(Repository pool, string listPath, CancellationToken cancellation)
    {
        using var check = new FrameCheck();
        using var copy = new ObjectCopy(pool, check);
        using var list = ObjectList.Create(listPath);
        var objects = 0L;
        foreach (var name in Objects())
        {
            cancellation.ThrowIfCancellationRequested();
            if (!IsWhole(() => copy.Put(name, () => Open(name))))
                continue;
            ObjectList.Write(list, name);
            objects++;
        }
        copy.Complete();
        list.Flush(flushToDisk: true);
        return (objects, copy.Copied);
    }

    private bool IsWhole(Action copy)
    {
        try
        {
            copy();
            return true;
        }
        catch (CorruptObjectException e)
        {
            leftOut(e.Message);
            _leftOut++;
            return false;
        }
    }

    private IEnumerable<ObjectName> Objects() => Enumerable.Range(0, 256).SelectMany(first => data.Repository.List((byte)first));

    private FileStream Open(ObjectName name) => new(data.Repository.OpenStored(name), FileAccess.Read, bufferSize: 0);

    private IEnumerable<string> Deltas() => !options.WithDeltas ? [] :
        Directory.EnumerateFiles(Path.Combine(data.Repository.Path, "deltas")).Where(file => DeltaName.TryParse(Path.GetFileName(file), out _));

    // Their names are their hashes: what is there is the same. One that is trimmed meanwhile is of no more use.
    private void CopyDeltas(Repository pool)
    {
        foreach (var delta in Deltas())
        {
            var target = Path.Combine(pool.Path, "deltas", Path.GetFileName(delta));
            if (!File.Exists(target) && File.Exists(delta))
                FileCopy.Durably(delta, target);
        }
    }
}
