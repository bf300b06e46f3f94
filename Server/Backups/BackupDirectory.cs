using System.Globalization;
using System.Text;
using ContentTree.Store;
using ContentTree.Store.Repositories;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Backups;

/// <summary>
/// A directory of backups: <c>pool/</c> holds every object once, each backup is <c>(number)-(time).tar</c> with all else and
/// <c>(number).objects</c>, which of the pool's objects belong to it.
/// </summary>
internal sealed class BackupDirectory(string path)
{
    private const string Suffix = ".tar";
    private const string ListSuffix = ".objects";
    private const string TimeFormat = "yyyyMMdd'T'HHmmss'Z'";
    private const int OwnerOnly = 0x1c0;
    private const int OwnerOnlyFile = 0x180;

    public string PoolPath => Path.Combine(path, "pool");

    /// <summary>Archives by their number, oldest first.</summary>
    public IReadOnlyList<(long Number, string Path)> List() => !Directory.Exists(path) ? [] :
        [.. Directory.EnumerateFiles(path, "*" + Suffix).Select(file => (Number: NumberOf(file), Path: file)).Where(f => f.Number > 0).OrderBy(f => f.Number)];

    /// <summary>The list of objects that belongs to an archive.</summary>
    public string ListPath(long number) => Path.Combine(path, $"{number:D6}{ListSuffix}");

    public string ArchivePath(long number, DateTimeOffset time) => Path.Combine(path, ArchiveName(number, time));

    /// <summary>The number that an archive has, or 0 for what is called otherwise, for that is not ours.</summary>
    public static long NumberOf(string file) => Path.GetFileName(file) is var name && name.Split('-') is [var digits, var rest] &&
        long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) &&
        DateTimeOffset.TryParseExact(rest, TimeFormat + $"'{Suffix}'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) &&
        name == ArchiveName(number, time) ? number : 0;

    /// <summary>The pool, made where it is missing. Branches may be private, so nobody else gets into it, whoever may read the directory.</summary>
    public Repository OpenPool()
    {
        using (var folder = Posix.OpenDirectory(path))
        {
            DurableFiles.EnsureDirectory(folder, "pool"u8, OwnerOnly);
            using var pool = Posix.OpenDirectoryAt(folder, "pool"u8);
            Close(pool, OwnerOnly);
            foreach (var name in Lists().Select(list => Encoding.ASCII.GetBytes(Path.GetFileName(list))))
            {
                using var list = Posix.OpenForReadingAt(folder, name);
                Close(list, OwnerOnlyFile);
            }
        }
        return Repository.Create(PoolPath);
    }

    /// <summary>Makes it where it is missing and keeps others from writing to it until disposed.</summary>
    /// <exception cref="StoreLockedException">Another backup is written to it.</exception>
    public HeldLock Take()
    {
        if (!Directory.Exists(path))
        {
            Directory.CreateDirectory(path);
            using var made = Posix.OpenDirectory(path);
            Posix.SetPermissions(made, OwnerOnly, path);
        }
        using var folder = Posix.OpenDirectory(path);
        var file = Posix.OpenOrCreateAt(folder, "lock"u8, OwnerOnlyFile);
        if (Posix.TryLock(file, exclusive: true, wait: false, path))
            return new HeldLock(file);
        file.Dispose();
        throw new StoreLockedException($"{path}: another backup is being written there");
    }

    /// <summary>Removes all backups but the newest, and the objects that belong to none that is left.</summary>
    /// <returns>Backups and objects removed.</returns>
    public (int Backups, long Objects) Prune(int keep)
    {
        var all = List();
        // Their objects stay until no archive names them: killed in between, each one that is left is whole.
        var leaving = all.SkipLast(keep).ToArray();
        foreach (var (_, archive) in leaving)
            File.Delete(archive);
        Sync();
        foreach (var list in Lists())
        {
            if (!all.TakeLast(keep).Any(a => ListPath(a.Number) == list))
                File.Delete(list);
        }
        using var pool = Repository.Open(PoolPath);
        return (leaving.Length, RemoveUnlisted(pool, [.. all.TakeLast(keep).Select(a => ListPath(a.Number)).Where(File.Exists)]));
    }

    private void Close(SafeFileHandle file, int permissions)
    {
        if (Posix.Stat(file, path).Permissions != permissions)
            Posix.SetPermissions(file, permissions, path);
    }

    private static string ArchiveName(long number, DateTimeOffset time) =>
        $"{number:D6}-{time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)}{Suffix}";

    private IEnumerable<string> Lists() => Directory.EnumerateFiles(path, "*" + ListSuffix).Where(file =>
        long.TryParse(Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && ListPath(number) == file);

    private void Sync()
    {
        using var folder = Posix.OpenDirectory(path);
        Posix.Fsync(folder, path);
    }

    // All lists and the pool are in the same order, so one pass through all of them is enough.
    private static long RemoveUnlisted(Repository pool, IReadOnlyList<string> lists)
    {
        var removed = 0L;
        var readers = lists.Select(list => ObjectList.Read(list).GetEnumerator()).ToArray();
        var open = readers.Where(reader => reader.MoveNext()).ToList();
        for (var first = 0; first < 256; first++)
        {
            foreach (var name in pool.List((byte)first))
            {
                foreach (var reader in open.ToArray())
                {
                    while (reader.Current.Id.CompareTo(name.Id) is var order && (order < 0 || (order == 0 && reader.Current.Kind < name.Kind)))
                    {
                        if (reader.MoveNext())
                            continue;
                        open.Remove(reader);
                        break;
                    }
                }
                if (open.Exists(reader => reader.Current == name))
                    continue;
                File.Delete(Path.Combine(pool.Path, name.RelativePath));
                removed++;
            }
        }
        foreach (var reader in readers)
            reader.Dispose();
        return removed;
    }
}
