using System.Formats.Tar;
using ContentTree.Store;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Backups;

/// <summary>
/// Writes a backup's archive: a tar that gets its name when it is whole and synced. Its last member is a <see cref="BackupSummary"/>.
/// </summary>
internal sealed class ArchiveWriter : IDisposable
{
    private const int OwnerOnly = 0x180;

    // Beyond this a plain header has no digits for the size.
    private const long MaxPlainBytes = (1L << 33) - 1;

    private readonly string _path;
    private readonly string _temporary;
    private readonly FileStream _file;
    private readonly TarWriter _tar;
    private readonly BackupHash _hash = new();

    /// <summary>Begins; an unfinished one of a killed backup is written over.</summary>
    public ArchiveWriter(string path)
    {
        _path = path;
        _temporary = path + ".new";
        File.Delete(_temporary);
        using (var folder = OpenFolder())
            _file = new FileStream(Posix.CreateAt(folder, NameOf(_temporary), OwnerOnly), FileAccess.Write);
        _tar = new TarWriter(_file, TarEntryFormat.Pax, leaveOpen: true);
    }

    public long Length => _file.Length;

    public void Add(string name, byte[] content)
    {
        _hash.Add(name, content);
        using var data = new MemoryStream(content);
        Write(new PaxTarEntry(TarEntryType.RegularFile, name), data);
    }

    public void Add(string name, Stream content)
    {
        Count(name, content);
        Write(new PaxTarEntry(TarEntryType.RegularFile, name), content);
    }

    /// <summary>Counts a file that lies beside the archive.</summary>
    public void Count(string name, Stream content)
    {
        _hash.Add(name, content.Length, content);
        content.Position = 0;
    }

    /// <summary>An object's frame, or a delta: what proves itself by its name.</summary>
    public void AddProved(string name, Stream content) => Write(
        content.Length <= MaxPlainBytes && name.Length < 100 ? new UstarTarEntry(TarEntryType.RegularFile, name) : new PaxTarEntry(TarEntryType.RegularFile, name), content);

    /// <summary>Says that all of it is there, and gives the archive its name.</summary>
    public BackupSummary Complete(DateTimeOffset created, long objects, bool inPool, bool hasKeys)
    {
        var summary = new BackupSummary(created, _hash.Files, objects, inPool, hasKeys, _hash.Finish());
        using (var data = new MemoryStream(summary.Encode()))
            Write(new PaxTarEntry(TarEntryType.RegularFile, BackupSummary.MemberName), data);
        _tar.Dispose();
        _file.Flush(flushToDisk: true);
        using var folder = OpenFolder();
        Posix.RenameAt(folder, NameOf(_temporary), folder, NameOf(_path));
        Posix.Fsync(folder, _path);
        return summary;
    }

    public void Dispose()
    {
        _tar.Dispose();
        _file.Dispose();
        _hash.Dispose();
        // After a failure: a full disk gets its room back.
        if (File.Exists(_temporary))
            File.Delete(_temporary);
    }

    private SafeFileHandle OpenFolder() => Posix.OpenDirectory(Path.GetDirectoryName(Path.GetFullPath(_path)) ?? "/");

    private void Write(TarEntry entry, Stream content)
    {
        entry.Mode = (UnixFileMode)OwnerOnly;
        entry.DataStream = content;
        _tar.WriteEntry(entry);
    }

    private static byte[] NameOf(string path) => System.Text.Encoding.UTF8.GetBytes(Path.GetFileName(path));
}
