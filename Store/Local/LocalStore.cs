using System.Text;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Local;

/// <summary>
/// The device side of the store: uncompressed files, each an inode that deployments link, and raw trees and commits.
/// Whatever stands in <c>objects/</c> was synced before it got there; <c>incoming/</c> holds what was not yet.
/// A commit's presence means that it is complete: it enters last. Layout: docs/format/store.md.
/// </summary>
public sealed class LocalStore : IDisposable
{
    private readonly SafeFileHandle[] _fanout = new SafeFileHandle[256];
    private (int Index, Dictionary<ObjectId, string> Digests) _listed = (-1, []);

    private LocalStore(string path, bool isPrivileged)
    {
        Path = path;
        Inodes = new InodeMetadata(isPrivileged);
        Root = Posix.OpenDirectory(path);
        Incoming = Posix.OpenDirectoryAt(Root, "incoming"u8);
        using var objects = Posix.OpenDirectoryAt(Root, "objects"u8);
        for (var i = 0; i < _fanout.Length; i++)
            _fanout[i] = Posix.OpenDirectoryAt(objects, Encoding.ASCII.GetBytes(i.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));
    }

    public string Path { get; }

    /// <summary>How metadata reaches inodes here.</summary>
    public InodeMetadata Inodes { get; }

    /// <summary>Whether stored files are sealed where the filesystem can do that: then the kernel refuses to read what has changed since.</summary>
    public bool SealsFiles { get; set; }

    internal SafeFileHandle Root { get; }

    internal SafeFileHandle Incoming { get; }

    /// <summary>Makes the store's directories where they are missing and opens it.</summary>
    public static LocalStore Create(string path, bool isPrivileged)
    {
        Directory.CreateDirectory(path);
        using (var root = Posix.OpenDirectory(path))
        {
            DurableFiles.EnsureDirectory(root, "objects"u8, 0x1ed);
            DurableFiles.EnsureDirectory(root, "incoming"u8, 0x1c0);
            using var objects = Posix.OpenDirectoryAt(root, "objects"u8);
            for (var i = 0; i < 256; i++)
                DurableFiles.EnsureDirectory(objects, Encoding.ASCII.GetBytes(i.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)), 0x1ed);
            Posix.Fsync(objects, path);
            Posix.Fsync(root, path);
        }
        return new LocalStore(path, isPrivileged);
    }

    /// <exception cref="StoreNotFoundException">There is no store.</exception>
    public static LocalStore Open(string path, bool isPrivileged) => Directory.Exists(System.IO.Path.Combine(path, "incoming"))
        ? new LocalStore(path, isPrivileged)
        : throw new StoreNotFoundException($"{path}: no store here; 'ctree init' makes one");

    public bool Contains(StoredFile file) => Posix.StatAt(Fanout(file.Content), file.FanoutName) is { Type: FileType.Regular };

    public bool ContainsTree(ObjectId id) => Contains(new ObjectName(ObjectKind.Tree, id));

    /// <summary>Whether the commit is here, which means: with everything it reaches.</summary>
    public bool ContainsCommit(ObjectId id) => Contains(new ObjectName(ObjectKind.Commit, id));

    /// <summary>
    /// Any metadata variant of a content, or null. Ask in rising order of ids: one fan-out directory's names are remembered.
    /// </summary>
    public StoredFile? FindVariant(ObjectId content)
    {
        var index = Convert.FromHexString(content.ToString()[..2])[0];
        if (_listed.Index != index)
            _listed = (index, ListDigests(index));
        return _listed.Digests.TryGetValue(content, out var digest) ? new StoredFile(content, digest) : null;
    }

    /// <exception cref="ObjectNotFoundException">The tree is not here.</exception>
    /// <exception cref="CorruptObjectException">Its bytes are damaged.</exception>
    public Tree ReadTree(ObjectId id) =>
        ReadRaw(new ObjectName(ObjectKind.Tree, id), Tree.MaxEncodedBytes, bytes => Tree.Decode(bytes, id));

    /// <exception cref="ObjectNotFoundException">The commit is not here.</exception>
    /// <exception cref="CorruptObjectException">Its bytes are damaged.</exception>
    public Commit ReadCommit(ObjectId id) =>
        ReadRaw(new ObjectName(ObjectKind.Commit, id), Repository.MaxCommitBytes, bytes => Commit.Decode(bytes, id));

    /// <summary>The proof that a commit can be deployed.</summary>
    /// <exception cref="NotFoundException">The commit was not pulled, or not to its end.</exception>
    public CompleteCommit GetComplete(ObjectId id) => ContainsCommit(id)
        ? new CompleteCommit(id, ReadCommit(id))
        : throw new NotFoundException($"commit {id} is not in the store; 'ctree pull {id}' fetches it");

    /// <summary>Commits in the store, in order of their ids.</summary>
    public IReadOnlyList<ObjectId> Commits()
    {
        var commits = new List<ObjectId>();
        ForEachName((prefix, name) =>
        {
            if (ObjectName.TryParse(prefix + Encoding.ASCII.GetString(name), out var parsed) && parsed.Kind == ObjectKind.Commit)
                commits.Add(parsed.Id);
        }, ".commit"u8);
        return commits;
    }

    /// <summary>Opens a stored file's content for reading.</summary>
    /// <exception cref="ObjectNotFoundException">There is no such variant.</exception>
    public SafeFileHandle OpenFile(StoredFile file)
    {
        try
        {
            return Posix.OpenForReadingAt(Fanout(file.Content), file.FanoutName);
        }
        catch (PosixException e) when (e.Errno == Posix.ENOENT)
        {
            throw new ObjectNotFoundException(new ObjectName(ObjectKind.File, file.Content));
        }
    }

    /// <summary>The inode of a stored file, or null when it is not here.</summary>
    public FileStat? StatOf(StoredFile file) => Posix.StatAt(Fanout(file.Content), file.FanoutName);

    /// <summary>Null when a stored inode has the owner, mode, attributes and time that its name stands for, else what is wrong.</summary>
    public string? DifferenceOf(StoredFile file, in FileStat stat, Metadata expected) =>
        stat.ModifiedNanoseconds != Tree.ModifiedSeconds * 1_000_000_000
            ? "it was written to"
            : Inodes.DifferenceAt(Fanout(file.Content), file.FanoutName, stat, expected);

    /// <summary>Of some stored files, how many are sealed: on one filesystem it is all or none, but for those that came before.</summary>
    public (int Sealed, int Looked) CountSealed(int most)
    {
        var (isSealed, looked) = (0, 0);
        for (var i = 0; i < _fanout.Length && looked < most; i++)
        {
            foreach (var (name, _) in Posix.ReadDirectory(_fanout[i], Path, ".file"u8))
            {
                looked++;
                isSealed += Posix.StatAt(_fanout[i], name) is { IsSealed: true } ? 1 : 0;
            }
        }
        return (isSealed, looked);
    }

    /// <summary>Seals a file that is whole. That it cannot be done here is no failure; that it failed is none either: hashes decide then as before.</summary>
    internal void TrySeal(SafeFileHandle file)
    {
        if (!SealsFiles)
            return;
        var errno = Posix.TrySeal(file);
        if (errno is null)
            // What the kernel writes behind the content counts as a write to some filesystems, and this time says that nobody wrote.
            Posix.SetTimes(file, Tree.ModifiedSeconds, Path);
        else if (errno is Posix.ENOTTY or Posix.EOPNOTSUPP or Posix.EINVAL)
            SealsFiles = false;
    }

    /// <summary>Free bytes and inodes of the filesystem.</summary>
    public (long Bytes, long Inodes) FreeSpace() => Posix.FreeSpace(Root, Path);

    /// <summary>Bytes of the whole filesystem.</summary>
    public long TotalSpace() => Posix.TotalSpace(Root, Path);

    /// <summary>Starts taking objects in; one at a time, under the device's lock.</summary>
    public StorePull BeginPull() => new(this);

    public void Dispose()
    {
        foreach (var directory in _fanout)
            directory.Dispose();
        Incoming.Dispose();
        Root.Dispose();
    }

    internal SafeFileHandle Fanout(ObjectId id)
    {
        Span<byte> bytes = stackalloc byte[ObjectId.Size];
        id.CopyTo(bytes);
        return _fanout[bytes[0]];
    }

    internal SafeFileHandle Fanout(byte index) => _fanout[index];

    internal static byte[] FanoutName(ObjectName name)
    {
        Span<byte> flat = stackalloc byte[ObjectId.HexSize + ObjectName.MaxSuffix];
        name.Id.WriteHex(flat);
        var length = ObjectId.HexSize + Encoding.ASCII.GetBytes(name.Suffix, flat[ObjectId.HexSize..]);
        return flat[2..length].ToArray();
    }

    internal void ForgetListing() => _listed = (-1, []);

    /// <summary>Calls <paramref name="visit"/> with every name in objects/ that ends so, split into the first two digits and the rest.</summary>
    internal void ForEachName(Action<string, byte[]> visit, ReadOnlySpan<byte> suffix = default)
    {
        for (var i = 0; i < _fanout.Length; i++)
        {
            var prefix = i.ToString("x2", System.Globalization.CultureInfo.InvariantCulture);
            foreach (var (name, _) in Posix.ReadDirectory(_fanout[i], Path, suffix))
                visit(prefix, name);
        }
    }

    private bool Contains(ObjectName name) => Posix.StatAt(Fanout(name.Id), FanoutName(name)) is { Type: FileType.Regular };

    private T ReadRaw<T>(ObjectName name, int maxSize, Func<ReadOnlySpan<byte>, T> decode) where T : class
    {
        try
        {
            return DurableFiles.TryRead(Fanout(name.Id), FanoutName(name), maxSize, decode) ?? throw new ObjectNotFoundException(name);
        }
        catch (FormatException e)
        {
            throw new CorruptObjectException(name, e.Message);
        }
    }

    private Dictionary<ObjectId, string> ListDigests(int index)
    {
        var prefix = Encoding.ASCII.GetBytes(index.ToString("x2", System.Globalization.CultureInfo.InvariantCulture));
        var digests = new Dictionary<ObjectId, string>();
        foreach (var (name, _) in Posix.ReadDirectory(_fanout[index], Path))
        {
            if (StoredFile.TryParse([.. prefix, .. name], out var file))
                digests[file.Content] = file.MetadataDigest;
        }
        return digests;
    }
}
