using System.Formats.Tar;

namespace ContentTree.Server.Backups;

/// <summary>Reads a backup's archive from its beginning. Nothing in it is believed: it may come from a stick.</summary>
internal static class ArchiveReader
{
    private const int MaxSummaryBytes = 64 * 1024;

    /// <summary>Reads all but the objects, and compares with what the last member says.</summary>
    /// <param name="list">Opens the list of objects that lies beside an archive without objects.</param>
    /// <exception cref="DamagedBackupException">Torn, cut, or with other bytes than were written.</exception>
    public static BackupSummary Verify(string path, Func<Stream?> list)
    {
        using var hash = new BackupHash();
        BackupSummary? summary = null;
        var objects = 0L;
        foreach (var (name, content) in Members(path))
        {
            if (summary is not null)
                throw new DamagedBackupException($"{path}: there is more behind its end");
            if (name == BackupSummary.MemberName)
                summary = BackupSummary.Decode(ReadSmall(content, path), path);
            else if (BackupPaths.IsFile(name))
                hash.Add(name, content.Length, content);
            else if (BackupPaths.TryObject(name, out _))
                objects++;
            else if (!BackupPaths.IsDelta(name))
                throw new DamagedBackupException($"{path}: '{name}' does not belong into a backup");
        }
        if (summary is null)
            throw new DamagedBackupException($"{path}: the backup was not finished, or its end is missing; take an older one");
        if (summary.InPool)
        {
            using var beside = list() ?? throw new DamagedBackupException($"{path}: its list of objects is not beside it");
            hash.Add(ObjectList.MemberName, beside.Length, beside);
            objects = beside.Length / ObjectList.EntryBytes;
        }
        if (hash.Files != summary.Files || objects != summary.Objects || hash.Finish() != summary.Hash)
            throw new DamagedBackupException($"{path}: it is damaged: its files are not those that were written; take an older one");
        return summary;
    }

    /// <summary>Each member's name and bytes, good until the next one is asked for.</summary>
    public static IEnumerable<(string Name, Stream Content)> Members(string path)
    {
        using var file = File.OpenRead(path);
        using var tar = new TarReader(file);
        while (Next(tar, path) is { } entry)
        {
            if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile))
                throw new DamagedBackupException($"{path}: '{entry.Name}' is no file");
            yield return (entry.Name, entry.DataStream ?? Stream.Null);
        }
    }

    private static TarEntry? Next(TarReader tar, string path)
    {
        try
        {
            return tar.GetNextEntry();
        }
        catch (Exception e) when (e is EndOfStreamException or InvalidDataException or FormatException or ArgumentException)
        {
            throw new DamagedBackupException($"{path}: it ends too early or is no backup ({e.Message}); take an older one", e);
        }
    }

    private static byte[] ReadSmall(Stream content, string path)
    {
        if (content.Length > MaxSummaryBytes)
            throw new DamagedBackupException($"{path}: {BackupSummary.MemberName} is too long");
        var bytes = new byte[content.Length];
        content.ReadExactly(bytes);
        return bytes;
    }
}
