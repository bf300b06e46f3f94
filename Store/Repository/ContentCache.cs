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
    private static readonly TimeSpan JustUsed = TimeSpan.FromSeconds(30);

    private readonly string _path;
    private readonly long _maxBytes;
    private readonly SafeFileHandle[] _fanout = new SafeFileHandle[256];
    private readonly object _trimming = new();
    private readonly FileStat _owner;
    private long _added;

    public ContentCache(string path, long maxBytes)
    {
        (_path, _maxBytes) = (path, maxBytes);
        // The first one who comes looks.
        _added = maxBytes;
        // What root makes is for the user whose directory it is in.
        var above = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        var isNew = !Directory.Exists(path);
        Directory.CreateDirectory(path);
        using (var parent = Posix.OpenDirectory(isNew ? above : path))
            _owner = Posix.Stat(parent, above);
        using var root = Posix.OpenDirectory(path);
        GiveAway(root);
        for (var i = 0; i < _fanout.Length; i++)
        {
            var name = Encoding.ASCII.GetBytes(i.ToString("x2", CultureInfo.InvariantCulture));
            DurableFiles.EnsureDirectory(root, name, OwnerOnly);
            _fanout[i] = Posix.OpenDirectoryAt(root, name);
            GiveAway(_fanout[i]);
        }
    }

    /// <summary>An object's frame, or null.</summary>
    public SafeFileHandle? TryOpen(ObjectName name)
    {
        var (directory, file) = (Fanout(name), Repository.FileName(name));
        try
        {
            if (Posix.StatAt(directory, file) is not { } stat)
                return null;
            var used = DateTimeOffset.FromUnixTimeMilliseconds(stat.ModifiedNanoseconds / 1_000_000);
            if ((DateTimeOffset.UtcNow - used).Duration() > UseGrain)
                Posix.TouchAt(directory, file);
            return Posix.OpenForReadingAt(directory, file);
        }
        catch (PosixException e) when (e.Errno is Posix.ENOENT or Posix.EACCES or Posix.EPERM)
        {
            // Trimmed at this moment, or another user's.
            return null;
        }
    }

    /// <summary>A file to write a frame to, which <see cref="Place"/> takes in. Room is made for it now.</summary>
    /// <param name="size">About how long it will be.</param>
    public (SafeFileHandle File, byte[] Temporary) Begin(ObjectName name, long size)
    {
        byte[] temporary = [.. DurableFiles.TemporaryPrefix, .. Encoding.ASCII.GetBytes($"{Guid.NewGuid():N}")];
        var file = Posix.CreateAt(Fanout(name), temporary, OwnerOnlyFile);
        GiveAway(file);
        // As long as it will be, without a block: whoever looks how much there is, also another process, counts what is still to come.
        Posix.SetLength(file, size, name.ToString());
        Added(size);
        return (file, temporary);
    }

    public void Place(ObjectName name, byte[] temporary) => Posix.RenameAt(Fanout(name), temporary, Fanout(name), Repository.FileName(name));

    public void Discard(ObjectName name, byte[] temporary) => TryUnlink(Fanout(name), temporary);

    /// <summary>Takes in a file that has no name, where it is on the same filesystem.</summary>
    public void TryLink(ObjectName name, SafeFileHandle file, long size)
    {
        if (Posix.LinkOpenFile(file, Fanout(name), Repository.FileName(name)) != 0)
            return;
        GiveAway(file);
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

    private void GiveAway(SafeFileHandle made)
    {
        if (Posix.IsRoot && Posix.Stat(made, _path) is var stat && (stat.Uid, stat.Gid) != (_owner.Uid, _owner.Gid))
            Posix.SetOwner(made, _owner.Uid, _owner.Gid, _path);
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
        catch (IOException)
        {
            // What was added is there; the next one who adds tries again.
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
        var coming = 0L;
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
                else
                    coming += stat.Size;
            }
        }
        var left = coming + files.Sum(file => file.Size);
        // Room for what comes until the next look.
        var wanted = _maxBytes - _maxBytes / LooksPerFill;
        // Who has just fetched one has not opened it yet, also one that is larger than all of this may be.
        var inUse = (DateTimeOffset.UtcNow - JustUsed).ToUnixTimeMilliseconds() * 1_000_000;
        foreach (var file in files.OrderBy(file => file.Used))
        {
            if (left <= wanted || file.Used > inUse)
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
