using System.Text;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Store.Trees;

/// <summary>Finds what a path stands for inside a tree. Symlinks are not followed: a tree is data, not a root.</summary>
public static class TreePath
{
    /// <summary>The entry at a path such as "usr/bin/env", or null for the root itself. Names may be given as they are shown: <c>\xNN</c> for what is not text.</summary>
    /// <exception cref="NotFoundException">There is nothing at that path.</exception>
    public static TreeEntry? Find(Func<ObjectId, Tree> read, ObjectId root, string path)
    {
        TreeEntry? found = null;
        var tree = read(root);
        foreach (var segment in path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(s => s != "."))
        {
            if (found is TreeEntry.Directory directory)
                tree = read(directory.Id);
            else if (found is not null)
                throw new NotFoundException($"{path}: '{found.Name}' is not a directory");
            found = (EntryName.TryCreate(Encoding.UTF8.GetBytes(segment), out var name) ? tree.Find(name) : null) ??
                tree.Entries.FirstOrDefault(entry => entry.Name.ToString() == segment);
            if (found is null)
                throw new NotFoundException($"{path}: no such path in the tree");
        }
        return found;
    }
}
