using System.Text;
using ContentTree.Store;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Backups;

/// <summary>A file that gets its name when it is whole and synced. Only its owner may read it.</summary>
internal sealed class NewFile : IDisposable
{
    private const int OwnerOnly = 0x180;

    private readonly string _path;
    private readonly string _temporary;

    /// <summary>Begins; what somebody who was killed has left is written over.</summary>
    public NewFile(string path)
    {
        _path = path;
        _temporary = path + ".new";
        File.Delete(_temporary);
        using var folder = OpenFolder();
        Stream = new FileStream(Posix.CreateAt(folder, NameOf(_temporary), OwnerOnly), FileAccess.Write);
    }

    /// <summary>Where it is until it is whole.</summary>
    public string Path => _temporary;

    /// <summary>Where it is written.</summary>
    public FileStream Stream { get; }

    /// <summary>Gives it its name, durably.</summary>
    public void Complete()
    {
        Stream.Flush(flushToDisk: true);
        using var folder = OpenFolder();
        Posix.RenameAt(folder, NameOf(_temporary), folder, NameOf(_path));
        Posix.Fsync(folder, _path);
    }

    public void Dispose()
    {
        Stream.Dispose();
        // After a failure: a full disk gets its room back.
        if (File.Exists(_temporary))
            File.Delete(_temporary);
    }

    private SafeFileHandle OpenFolder() => Posix.OpenDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(_path)) ?? "/");

    private static byte[] NameOf(string path) => Encoding.UTF8.GetBytes(System.IO.Path.GetFileName(path));
}
