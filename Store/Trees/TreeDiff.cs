using ContentTree.Store.Objects;

namespace ContentTree.Store.Trees;

/// <summary>How one path differs between two trees.</summary>
public enum ChangeKind
{
    Added,
    Removed,

    /// <summary>Other content, target or device number, or another kind of entry.</summary>
    Modified,

    /// <summary>Same content, other owner, mode or attributes.</summary>
    Metadata,
}

/// <summary>One difference. Names are bytes; <see cref="Path"/> is for people.</summary>
/// <param name="SizeBefore">Size of the regular file on the left, 0 for anything else.</param>
/// <param name="SizeAfter">Size of the regular file on the right, 0 for anything else.</param>
public sealed record TreeChange(ChangeKind Kind, string Path, long SizeBefore, long SizeAfter);

/// <summary>Compares two trees; equal subtrees are skipped by their ids, so the cost follows the change.</summary>
public static class TreeDiff
{
    /// <summary>Differences in path order; the contents of an added or removed directory are listed too.</summary>
    public static IEnumerable<TreeChange> Compare(Func<ObjectId, Tree> read, ObjectId left, ObjectId right)
    {
        if (left == right)
            return [];
        var changes = new List<TreeChange>();
        CompareDirectories(read, left, right, "/", changes);
        return changes;
    }

    private static void CompareDirectories(Func<ObjectId, Tree> read, ObjectId left, ObjectId right, string path, List<TreeChange> changes)
    {
        var (a, b) = (read(left), read(right));
        if (!a.Metadata.Equals(b.Metadata))
            changes.Add(new TreeChange(ChangeKind.Metadata, path, 0, 0));
        int i = 0, j = 0;
        while (i < a.Entries.Count || j < b.Entries.Count)
        {
            var order = i == a.Entries.Count ? 1 : j == b.Entries.Count ? -1 : a.Entries[i].Name.CompareTo(b.Entries[j].Name);
            if (order < 0)
                AddAll(read, a.Entries[i++], path, ChangeKind.Removed, changes);
            else if (order > 0)
                AddAll(read, b.Entries[j++], path, ChangeKind.Added, changes);
            else
                CompareEntries(read, a.Entries[i++], b.Entries[j++], path, changes);
        }
    }

    private static void CompareEntries(Func<ObjectId, Tree> read, TreeEntry a, TreeEntry b, string parent, List<TreeChange> changes)
    {
        var path = parent + a.Name;
        if (a is TreeEntry.Directory before && b is TreeEntry.Directory after)
        {
            if (before.Id != after.Id)
                CompareDirectories(read, before.Id, after.Id, path + "/", changes);
            return;
        }
        ChangeKind? kind = (a, b) switch
        {
            (TreeEntry.File x, TreeEntry.File y) when x.Id == y.Id => Same(x.Metadata, y.Metadata),
            (TreeEntry.Symlink x, TreeEntry.Symlink y) when x.Target.AsSpan().SequenceEqual(y.Target) => Same(x.Metadata, y.Metadata),
            (TreeEntry.Device x, TreeEntry.Device y) when (x.IsBlock, x.Major, x.Minor) == (y.IsBlock, y.Major, y.Minor) => Same(x.Metadata, y.Metadata),
            (TreeEntry.Fifo x, TreeEntry.Fifo y) => Same(x.Metadata, y.Metadata),
            _ => ChangeKind.Modified,
        };
        if (kind is not null)
            changes.Add(new TreeChange(kind.Value, path, SizeOf(a), SizeOf(b)));
        // A directory that became something else, or the reverse, takes its contents with it.
        if (a is TreeEntry.Directory gone)
            AddBelow(read, gone, path, ChangeKind.Removed, changes);
        if (b is TreeEntry.Directory come)
            AddBelow(read, come, path, ChangeKind.Added, changes);
    }

    private static ChangeKind? Same(Metadata a, Metadata b) => a.Equals(b) ? null : ChangeKind.Metadata;

    private static void AddAll(Func<ObjectId, Tree> read, TreeEntry entry, string parent, ChangeKind kind, List<TreeChange> changes)
    {
        var size = SizeOf(entry);
        changes.Add(new TreeChange(kind, parent + entry.Name, kind == ChangeKind.Removed ? size : 0, kind == ChangeKind.Added ? size : 0));
        if (entry is TreeEntry.Directory directory)
            AddBelow(read, directory, parent + entry.Name, kind, changes);
    }

    private static void AddBelow(Func<ObjectId, Tree> read, TreeEntry.Directory directory, string path, ChangeKind kind, List<TreeChange> changes)
    {
        foreach (var entry in read(directory.Id).Entries)
            AddAll(read, entry, path + "/", kind, changes);
    }

    private static long SizeOf(TreeEntry entry) => entry is TreeEntry.File file ? file.Size : 0;
}
