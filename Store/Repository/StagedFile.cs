using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>
/// An object's frame that is not in <c>objects/</c> yet: a file without any name, which a crash takes with it, or where the
/// filesystem has no such files one in the staging directory. Gone with its disposal unless it was placed.
/// </summary>
internal sealed class StagedFile : IDisposable
{
    private readonly SafeFileHandle? _directory;
    private readonly byte[]? _stagedAs;
    private bool _isPlaced;

    private StagedFile(ObjectName name, SafeFileHandle file, SafeFileHandle? directory, byte[]? stagedAs)
    {
        Name = name;
        File = file;
        _directory = directory;
        _stagedAs = stagedAs;
    }

    public ObjectName Name { get; }

    public SafeFileHandle File { get; private set; }

    /// <summary>Bytes of the finished frame.</summary>
    public long Size { get; private set; }

    public bool IsUnnamed => _directory is null;

    /// <param name="fanout">The directory it will be placed in.</param>
    public static StagedFile CreateUnnamed(ObjectName name, SafeFileHandle fanout) =>
        new(name, Posix.CreateUnnamedAt(fanout, 0x1a4), null, null);

    /// <param name="directory">Where it stands until then.</param>
    public static StagedFile Create(ObjectName name, SafeFileHandle directory, byte[] stagedAs) =>
        new(name, Posix.CreateAt(directory, stagedAs, 0x1a4), directory, stagedAs);

    /// <summary>Nothing more is written. A file without a name lives only as long as it is open.</summary>
    public void Close(long size)
    {
        Size = size;
        if (_directory is not null)
            File.Dispose();
    }

    /// <summary>A closed file opened for reading; null for one without a name, which is open.</summary>
    public SafeFileHandle? OpenAgain() => _directory is null ? null : Posix.OpenForReadingAt(_directory, _stagedAs);

    /// <summary>Leaves the bytes to the bucket that has them.</summary>
    /// <param name="fanout">The directory it will be placed in.</param>
    public void BecomeStandIn(SafeFileHandle fanout)
    {
        File.Dispose();
        if (_directory is not null)
            Posix.UnlinkAt(_directory, _stagedAs);
        File = _directory is null ? Posix.CreateUnnamedAt(fanout, 0x180) : Posix.CreateAt(_directory, _stagedAs, 0x180);
        StandIn.Make(File, Size, Name.ToString());
        if (_directory is not null)
            File.Dispose();
    }

    /// <summary>Gives the synced file its place.</summary>
    public void Place(Repository repository)
    {
        var fanout = repository.Fanout(Name.Id);
        var name = Repository.FileName(Name);
        if (_directory is not null)
            Posix.RenameAt(_directory, _stagedAs, fanout, name);
        else if (Posix.LinkOpenFile(File, fanout, name) is var errno && errno == Posix.EEXIST)
            // Somebody else's, and perhaps an old one that came back: it is as good as new from now on.
            repository.Freshen(Name);
        else if (errno != 0)
            throw new PosixException(Name.ToString(), errno);
        _isPlaced = true;
        File.Dispose();
    }

    public void Dispose()
    {
        File.Dispose();
        if (_directory is not null && !_isPlaced && Posix.StatAt(_directory, _stagedAs) is not null)
            Posix.UnlinkAt(_directory, _stagedAs);
    }
}
