using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Trees;

/// <summary>A directory whose entries are still being imported.</summary>
internal sealed class PendingDirectory(PendingDirectory? parent, int slot, EntryName name, SafeFileHandle handle, string path)
{
    /// <summary>The slot of the walker itself, which holds a count but no entry.</summary>
    public const int WalkerSlot = -1;

    private TreeEntry?[] _entries = [];
    private int _missing = 1;

    public PendingDirectory? Parent { get; } = parent;

    /// <summary>Where the finished directory goes in its parent.</summary>
    public int Slot { get; } = slot;

    public EntryName Name { get; } = name;

    public SafeFileHandle Handle { get; } = handle;

    public string Path { get; } = path;

    /// <summary>The tree's id, once complete.</summary>
    public ObjectId Result { get; private set; }

    /// <summary>Where it is in the tree.</summary>
    public EntryPath Place { get; } = parent is null ? EntryPath.Root : parent.Place.Append(name);

    /// <summary>What is left out in it.</summary>
    public IgnoreRules Ignored { get; set; } = parent?.Ignored ?? IgnoreRules.None;

    public string PathOf(EntryName name) => $"{Path.TrimEnd('/')}/{name}";

    /// <summary>Announces how many entries will come, before the first.</summary>
    public void Expect(int count)
    {
        _entries = new TreeEntry?[count];
        _missing = count + 1;
    }

    /// <summary>Puts an entry in its slot; the whole list when it was the last one missing, else null.</summary>
    public TreeEntry[]? Finish(int entrySlot, TreeEntry? entry)
    {
        if (entrySlot != WalkerSlot)
            _entries[entrySlot] = entry;
        return Interlocked.Decrement(ref _missing) == 0 ? Array.ConvertAll(_entries, e => e ?? throw new System.Diagnostics.UnreachableException()) : null;
    }

    public void Complete(ObjectId tree)
    {
        Result = tree;
        _entries = [];
        Handle.Dispose();
    }
}
