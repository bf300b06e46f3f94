using System.Text;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>
/// What of the old commit may serve, found by id: what is there need not travel, and what is alike is a base. A file that is the same in
/// the same place in both, and has no new file's name, serves nothing and is left out: the index follows the change, not the tree.
/// </summary>
internal sealed class OldIndex
{
    private readonly Dictionary<ObjectId, OldFile> _files = [];
    private readonly Dictionary<ObjectId, OldDirectory> _directories = [];
    private readonly HashSet<ObjectId> _seen = [];

    /// <param name="read">Reads a tree of either commit.</param>
    /// <param name="old">The old root tree; null when the delta starts from nothing.</param>
    /// <param name="new">The new root tree.</param>
    public OldIndex(Func<ObjectId, Tree> read, ObjectId? old, ObjectId @new)
    {
        if (old is not { } id)
            return;
        var changed = new ChangedPlaces(read, id, @new);
        var open = new Stack<(ObjectId Id, OldDirectory Directory)>([(id, new OldDirectory(null, 0, ""))]);
        while (open.TryPop(out var next))
        {
            var entries = read(next.Id).Entries;
            for (var i = 0; i < entries.Count; i++)
            {
                if (entries[i] is TreeEntry.File { Size: > 0 } file && (changed.Contents.Contains(file.Id) || changed.TakeIfNamed(file.Name)))
                    _files.TryAdd(file.Id, new OldFile(next.Directory, i, file));
                else if (entries[i] is TreeEntry.Directory directory && _seen.Add(directory.Id))
                    Open(next.Directory, i, directory, changed, open);
            }
        }
    }

    public IReadOnlyCollection<OldFile> Files => _files.Values;

    public OldFile? FindFile(ObjectId id) => _files.GetValueOrDefault(id);

    public OldPlace? FindDirectory(ObjectId id) => _directories.TryGetValue(id, out var directory) ? new OldPlace(directory.Indexes()) : null;

    /// <summary>A path as text in which every byte is one character: enough to compare names.</summary>
    public static string Text(EntryName name) => Encoding.Latin1.GetString(name.Bytes);

    // What is there twice is walked once: any place of it will do.
    private void Open(
        OldDirectory parent, int index, TreeEntry.Directory entry, ChangedPlaces changed, Stack<(ObjectId Id, OldDirectory Directory)> open)
    {
        var directory = new OldDirectory(parent, index, parent.Path + Text(entry.Name) + "/");
        if (changed.Directories.Contains(entry.Id))
            _directories.Add(entry.Id, directory);
        open.Push((entry.Id, directory));
    }
}

/// <summary>A directory of the old commit: its place, and its path with a slash at the end ("" for the root).</summary>
internal sealed record OldDirectory(OldDirectory? Parent, int Index, string Path)
{
    public List<int> Indexes()
    {
        var indexes = new List<int>();
        for (var at = this; at.Parent is not null; at = at.Parent)
            indexes.Add(at.Index);
        indexes.Reverse();
        return indexes;
    }
}

/// <summary>A file of the old commit that is not empty.</summary>
internal sealed record OldFile(OldDirectory Directory, int Index, TreeEntry.File Entry)
{
    public string Name => OldIndex.Text(Entry.Name);

    public OldPlace Place => new([.. Directory.Indexes(), Index]);
}
