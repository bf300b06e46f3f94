using System.Text;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>Everything that the old commit has, found by id: what is there need not travel, and what is alike serves as base.</summary>
internal sealed class OldIndex
{
    private readonly Dictionary<ObjectId, OldFile> _files = [];
    private readonly Dictionary<ObjectId, OldDirectory> _directories = [];

    public OldIndex(Func<ObjectId, Tree> read, ObjectId? root)
    {
        if (root is not { } id)
            return;
        var open = new Stack<(ObjectId Id, OldDirectory Directory)>([(id, new OldDirectory(null, 0, ""))]);
        while (open.TryPop(out var next))
        {
            var entries = read(next.Id).Entries;
            for (var i = 0; i < entries.Count; i++)
            {
                if (entries[i] is TreeEntry.File { Size: > 0 } file)
                    _files.TryAdd(file.Id, new OldFile(next.Directory, i, file));
                else if (entries[i] is TreeEntry.Directory directory)
                    Open(next.Directory, i, directory, open);
            }
        }
    }

    public IReadOnlyCollection<OldFile> Files => _files.Values;

    public OldFile? FindFile(ObjectId id) => _files.GetValueOrDefault(id);

    public OldPlace? FindDirectory(ObjectId id) => _directories.TryGetValue(id, out var directory) ? new OldPlace(directory.Indexes()) : null;

    /// <summary>A path as text in which every byte is one character: enough to compare names.</summary>
    public static string Text(EntryName name) => Encoding.Latin1.GetString(name.Bytes);

    // What is there twice is walked once: any place of it will do.
    private void Open(OldDirectory parent, int index, TreeEntry.Directory entry, Stack<(ObjectId Id, OldDirectory Directory)> open)
    {
        var directory = new OldDirectory(parent, index, parent.Path + Text(entry.Name) + "/");
        if (_directories.TryAdd(entry.Id, directory))
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
