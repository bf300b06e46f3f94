using System.Formats.Tar;

namespace ContentTree.Server.Backups;

/// <summary>Writes a backup's archive: a tar whose last member, a <see cref="BackupSummary"/>, says that it is whole.</summary>
internal sealed class ArchiveWriter(Stream target) : IDisposable
{
    private const int OwnerOnly = 0x180;

    // Beyond this a plain header has no digits for the size.
    private const long MaxPlainBytes = (1L << 33) - 1;

    private readonly TarWriter _tar = new(target, TarEntryFormat.Pax, leaveOpen: true);
    private readonly BackupHash _hash = new();

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

    /// <summary>Says that all of it is there.</summary>
    public BackupSummary Complete(DateTimeOffset created, long objects, bool inPool, bool hasKeys, long leftOut)
    {
        var summary = new BackupSummary(created, _hash.Files, objects, inPool, hasKeys, _hash.Finish(), leftOut);
        using (var data = new MemoryStream(summary.Encode()))
            Write(new PaxTarEntry(TarEntryType.RegularFile, BackupSummary.MemberName), data);
        _tar.Dispose();
        return summary;
    }

    public void Dispose()
    {
        _tar.Dispose();
        _hash.Dispose();
    }

    private void Write(TarEntry entry, Stream content)
    {
        entry.Mode = (UnixFileMode)OwnerOnly;
        entry.DataStream = content;
        _tar.WriteEntry(entry);
    }
}
