using System.Globalization;
using System.Text;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>
/// Frames that were fetched from a bucket or put into it, in a directory of limited size: those used last. All of it may be removed at any
/// time. Several processes may share it.
/// </summary>
internal sealed class ContentCache : IDisposable
{
    // What is fetched between two looks at how large it is.
    private const int LooksPerFill = 16;
    private const int OwnerOnly = 0x1c0;
    private const int OwnerOnlyFile = 0x180;

    // How exactly uses are remembered: each writes an inode.
    private static readonly TimeSpan UseGrain = TimeSpan.FromHours(1);
    private static readonly TimeSpan AbandonedAfter = TimeSpan.FromHours(1);

    private readonly string _path;
    private readonly long _maxBytes;
    private readonly SafeFileHandle[] _fanout = new SafeFileHandle[256];
    private readonly object _trimming = new();
    private long _added;

    public ContentCache(string path, long maxBytes)
    {
        (_path, _maxBytes) = (path, maxBytes);
        // The first one who comes looks.
        _added = maxBytes;
        Directory.CreateDirectory(path);
        using var root = Posix.OpenDirectory(path);
        for (var i = 0; i < _fanout.Length; i++)
        {
            var name = Encoding.ASCII.GetBytes(i.ToString("x2", CultureInfo.InvariantCulture));
            DurableFiles.EnsureDirectory(root, name, OwnerOnly);
            _fanout[i] = Posix.OpenDirectoryAt(root, name);
        }
    }

    /// <summary>An object's frame of that size, or null: what was removed and written again may have another one.</summary>
    public SafeFileHandle? TryOpen(ObjectName name, long size)
    {
        var (directory, file) = (Fanout(name), Repository.FileName(name));
        try
        {
            var opened = Posix.OpenForReadingAt(directory, file);
            var stat = Posix.Stat(opened, name.ToString());
            if (stat.Size != size)
            {
                opened.Dispose();
                return null;
            }
            var used = DateTimeOffset.FromUnixTimeMilliseconds(stat.ModifiedNanoseconds / 1_000_000);
            if ((DateTimeOffset.UtcNow - used).Duration() > UseGrain)
                Posix.TouchAt(directory, file);
            return opened;
        }
        catch (PosixException e) when (e.Errno == Posix.ENOENT)
        {
            return null;
        }
    }

    /// <summary>A file to write a frame to, which <see cref="Place"/> takes in.</summary>
    public (SafeFileHandle File, byte[] Temporary) Begin(ObjectName name)
    {
        byte[] temporary = [.. DurableFiles.TemporaryPrefix, .. Encoding.ASCII.GetBytes($"{Guid.NewGuid():N}")];
        return (Posix.CreateAt(Fanout(name), temporary, OwnerOnlyFile), temporary);
    }

    public void Place(ObjectName name, byte[] temporary, long size)
    {
        Posix.RenameAt(Fanout(name), temporary, Fanout(name), Repository.FileName(name));
        Added(size);
    }

    public void Discard(ObjectName name, byte[] temporary) => Posix.UnlinkAt(Fanout(name), temporary);

    /// <summary>Takes in a file that has no name, where it is on the same filesystem.</summary>
    public void TryLink(ObjectName name, SafeFileHandle file, long size)
    {
        if (Posix.LinkOpenFile(file, Fanout(name), Repository.FileName(name)) == 0)
            Added(size);
    }

    /// <summary>Forgets an object.</summary>
    public void Remove(ObjectName name)
    {
        if (Posix.StatAt(Fanout(name), Repository.FileName(name)) is not null)
            TryUnlink(Fanout(name), Repository.FileName(name));
    }

    public void Dispose()
    {
        foreach (var directory in _fanout)
            directory?.Dispose();
    }

    private SafeFileHandle Fanout(ObjectName name)
    {
        Span<byte> bytes = stackalloc byte[ObjectId.Size];
        name.Id.CopyTo(bytes);
        return _fanout[bytes[0]];
    }

    private void Added(long size)
    {
        if (Interlocked.Add(ref _added, size) < _maxBytes / LooksPerFill || !Monitor.TryEnter(_trimming))
            return;
        try
        {
            Interlocked.Exchange(ref _added, 0);
            Trim();
        }
        finally
        {
            Monitor.Exit(_trimming);
        }
    }

    // What is being read is read to its end. Another process that trims meanwhile removes the same ones.
    private void Trim()
    {
        var files = new List<(long Used, long Size, byte Directory, byte[] Name)>();
        for (var i = 0; i < _fanout.Length; i++)
        {
            foreach (var (name, _) in Posix.ReadDirectory(_fanout[i], _path))
            {
                if (Posix.StatAt(_fanout[i], name) is not { Type: FileType.Regular } stat)
                    continue;
                if (!DurableFiles.IsTemporary(name))
                    files.Add((stat.ModifiedNanoseconds, stat.Size, (byte)i, name));
                else if (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - stat.ModifiedNanoseconds / 1_000_000 > AbandonedAfter.TotalMilliseconds)
                    TryUnlink(_fanout[i], name);
            }
        }
        var left = files.Sum(file => file.Size);
        // Room for what comes until the next look.
        var wanted = _maxBytes - _maxBytes / LooksPerFill;
        foreach (var file in files.OrderBy(file => file.Used))
        {
            if (left <= wanted)
                break;
            TryUnlink(_fanout[file.Directory], file.Name);
            left -= file.Size;
        }
    }

    private static void TryUnlink(SafeFileHandle directory, byte[] name)
    {
        try
        {
            Posix.UnlinkAt(directory, name);
        }
        catch (PosixException e) when (e.Errno == Posix.ENOENT)
        {
            // Another process trims too.
        }
    }
}
