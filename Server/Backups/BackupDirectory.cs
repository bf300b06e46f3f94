using System.Globalization;
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
    private const int OwnerOnly = 0x1c0;

    public string PoolPath => Path.Combine(path, "pool");

    /// <summary>Archives by their number, oldest first.</summary>
    public IReadOnlyList<(long Number, string Path)> List() => !Directory.Exists(path) ? [] :
        [.. Directory.EnumerateFiles(path, "*" + Suffix).Select(file => (Number: NumberOf(file), Path: file)).Where(f => f.Number > 0).OrderBy(f => f.Number)];

    /// <summary>The list of objects that belongs to an archive.</summary>
    public string ListPath(long number) => Path.Combine(path, $"{number:D6}.objects");

    public string ArchivePath(long number, DateTimeOffset time) =>
        Path.Combine(path, $"{number:D6}-{time.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}{Suffix}");

    /// <summary>The number that an archive has, or 0.</summary>
    public static long NumberOf(string file) =>
        long.TryParse(Path.GetFileName(file).Split('-')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    /// <summary>Makes it where it is missing and keeps others from writing to it until disposed.</summary>
    /// <exception cref="StoreLockedException">Another backup is written to it.</exception>
    public SafeFileHandle Take()
    {
        if (!Directory.Exists(path))
        {
            Directory.CreateDirectory(path);
            using var made = Posix.OpenDirectory(path);
            Posix.SetPermissions(made, OwnerOnly, path);
        }
        using var folder = Posix.OpenDirectory(path);
        var file = Posix.OpenOrCreateAt(folder, "lock"u8, 0x180);
        if (Posix.TryLock(file, exclusive: true, wait: false, path))
            return file;
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
        foreach (var list in Directory.EnumerateFiles(path, "*.objects"))
        {
            if (!all.TakeLast(keep).Any(a => ListPath(a.Number) == list))
                File.Delete(list);
        }
        using var pool = Repository.Open(PoolPath);
        return (leaving.Length, RemoveUnlisted(pool, [.. all.TakeLast(keep).Select(a => ListPath(a.Number)).Where(File.Exists)]));
    }

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
