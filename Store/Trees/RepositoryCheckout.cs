using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Trees;

/// <summary>Writes a tree of a repository out as a plain directory, to look at or to build from.</summary>
public sealed class RepositoryCheckout : IDisposable
{
    private readonly Repository _repository;
    private readonly StoredContent _content;
    private readonly InodeMetadata _inodes = new(Posix.IsRoot);

    private RepositoryCheckout(Repository repository)
    {
        _repository = repository;
        _content = new StoredContent(repository);
    }

    /// <summary>Device nodes that were left out because only root can make them.</summary>
    public long SkippedDevices { get; private set; }

    /// <summary>Makes the directory <paramref name="path"/>, which must not exist.</summary>
    /// <returns>Device nodes left out because the user is not root.</returns>
    /// <exception cref="PosixException">The directory exists or cannot be written.</exception>
    public static long Run(Repository repository, ObjectId tree, string path)
    {
        var full = Path.GetFullPath(path).TrimEnd('/');
        var parentPath = Path.GetDirectoryName(full) ?? throw new ArgumentException("the root directory cannot be a checkout's target", nameof(path));
        using var parent = Posix.OpenDirectory(parentPath);
        using var checkout = new RepositoryCheckout(repository);
        checkout.MakeDirectory(parent, EntryName.Create(Path.GetFileName(full)), tree, 0);
        return checkout.SkippedDevices;
    }

    public void Dispose() => _content.Dispose();

    private void MakeDirectory(SafeFileHandle parent, EntryName name, ObjectId id, int depth)
    {
        if (depth > Tree.MaxDepth)
            throw new CorruptObjectException(new ObjectName(ObjectKind.Tree, id), "is nested too deep");
        var tree = _repository.ReadTree(id);
        Posix.MakeDirectoryAt(parent, name.Bytes, 0x1c0);
        using var directory = Posix.OpenDirectoryAt(parent, name.Bytes);
        foreach (var entry in tree.Entries)
            MakeEntry(directory, entry, depth);
        _inodes.Apply(directory, tree.Metadata, isDirectory: true, name.ToString());
    }

    private void MakeEntry(SafeFileHandle directory, TreeEntry entry, int depth)
    {
        switch (entry)
        {
            case TreeEntry.Directory child:
                MakeDirectory(directory, child.Name, child.Id, depth + 1);
                break;
            case TreeEntry.File file:
                MakeFile(directory, file);
                break;
            default:
                SkippedDevices += SpecialEntry.Make(directory, entry, _inodes) ? 0 : 1;
                break;
        }
    }

    private void MakeFile(SafeFileHandle directory, TreeEntry.File file)
    {
        var subject = file.Name.ToString();
        using var target = Posix.CreateAt(directory, file.Name.Bytes, 0x180);
        var output = new SparseOutput(target, subject);
        _content.Read(new ObjectName(ObjectKind.File, file.Id), file.Size, output.Write);
        output.Finish();
        _inodes.Apply(target, file.Metadata, isDirectory: false, subject);
    }
}
