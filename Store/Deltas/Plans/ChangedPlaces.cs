using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>
/// What two trees do not have in the same place, old and new: all that matters of an old commit, however large it is. Equal directories
/// in equal places are not read.
/// </summary>
internal sealed class ChangedPlaces
{
    // A tree may have a million files that differ in their number only; these are enough to choose a base from.
    private const int MaxAlikeNames = 16384;

    private readonly Func<ObjectId, Tree> _read;
    private readonly HashSet<(ObjectId? Old, ObjectId? New)> _seen = [];
    private readonly Dictionary<string, int> _foldedNames = new(StringComparer.Ordinal);

    public ChangedPlaces(Func<ObjectId, Tree> read, ObjectId old, ObjectId @new)
    {
        _read = read;
        var open = new Stack<(ObjectId? Old, ObjectId? New)>();
        Open(open, old, @new);
        while (open.TryPop(out var next))
            Compare(next.Old, next.New, open);
    }

    /// <summary>Contents of the files that only one of them has there.</summary>
    public HashSet<ObjectId> Contents { get; } = [];

    /// <summary>Directories that the new one has there, and the old one has not.</summary>
    public HashSet<ObjectId> Directories { get; } = [];

    /// <summary>Whether a new file that has nothing in its place has this name, or one that differs in numbers only. Says so a bounded number of times.</summary>
    public bool TakeIfNamed(EntryName name)
    {
        if (_foldedNames.Count == 0)
            return false;
        var folded = NameFolding.Fold(OldIndex.Text(name));
        if (_foldedNames.GetValueOrDefault(folded) == 0)
            return false;
        _foldedNames[folded]--;
        return true;
    }

    private void Open(Stack<(ObjectId? Old, ObjectId? New)> open, ObjectId? old, ObjectId? @new)
    {
        if (@new is { } id && old != @new)
            Directories.Add(id);
        if (old != @new && _seen.Add((old, @new)))
            open.Push((old, @new));
    }

    private void Compare(ObjectId? old, ObjectId? @new, Stack<(ObjectId? Old, ObjectId? New)> open)
    {
        var (before, after) = (Entries(old), Entries(@new));
        int i = 0, j = 0;
        while (i < before.Count || j < after.Count)
        {
            var order = i == before.Count ? 1 : j == after.Count ? -1 : before[i].Name.CompareTo(after[j].Name);
            Compare(order <= 0 ? before[i++] : null, order >= 0 ? after[j++] : null, open);
        }
    }

    private IReadOnlyList<TreeEntry> Entries(ObjectId? id) => id is { } tree ? _read(tree).Entries : [];

    private void Compare(TreeEntry? before, TreeEntry? after, Stack<(ObjectId? Old, ObjectId? New)> open)
    {
        var (x, y) = (before as TreeEntry.File, after as TreeEntry.File);
        if (x?.Id != y?.Id || (x is not null && !x.Metadata.Equals(y!.Metadata)))
        {
            if (x is not null)
                Contents.Add(x.Id);
            if (y is not null && Contents.Add(y.Id) && !(x is { Size: > 0 } && x.Metadata.Equals(y.Metadata)))
                _foldedNames[NameFolding.Fold(OldIndex.Text(y.Name))] = MaxAlikeNames;
        }
        var (a, b) = (before as TreeEntry.Directory, after as TreeEntry.Directory);
        if (a is not null || b is not null)
            Open(open, a?.Id, b?.Id);
    }
}
