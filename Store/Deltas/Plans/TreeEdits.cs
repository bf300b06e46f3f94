using System.Buffers;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>
/// Writes the new commit's directories as changes of the old ones, without the ids of what the delta rebuilds, and collects those
/// contents. <see cref="PlanDecoder"/> reads it; docs/format/delta.md draws it.
/// </summary>
internal sealed class TreeEdits(Func<ObjectId, Tree> read, OldIndex old, IBufferWriter<byte> output)
{
    private readonly Dictionary<ObjectId, int> _known = [];
    private readonly List<NewContent> _contents = [];
    private readonly Queue<(ObjectId New, ObjectId? Old, string Path)> _open = [];
    private long _pending;
    private byte _pendingKind;

    /// <summary>The contents to rebuild, in the order in which the decoder counts them.</summary>
    public IReadOnlyList<NewContent> Contents => _contents;

    private TreeWriter Writer => new(output);

    public void Write(ObjectId? oldRoot, ObjectId newRoot)
    {
        if (oldRoot == newRoot)
        {
            Writer.WriteByte(0);
            return;
        }
        Writer.WriteByte(1);
        _open.Enqueue((newRoot, oldRoot, ""));
        while (_open.TryDequeue(out var next))
            WriteTree(read(next.New), next.Old is { } id ? read(id) : null, next.Path);
    }

    private void WriteTree(Tree tree, Tree? before, string path)
    {
        if (before is not null && before.Metadata.Equals(tree.Metadata))
        {
            Writer.WriteByte(0);
        }
        else
        {
            Writer.WriteByte(1);
            Writer.WriteMetadata(tree.Metadata);
        }
        var oldEntries = before?.Entries ?? [];
        int i = 0, j = 0;
        while (i < oldEntries.Count || j < tree.Entries.Count)
        {
            var order = i == oldEntries.Count ? 1 : j == tree.Entries.Count ? -1 : oldEntries[i].Name.CompareTo(tree.Entries[j].Name);
            if (order < 0)
                Count(PlanFormat.Drop, ref i);
            else if (order > 0)
                Insert(tree.Entries[j++], before, tree, path);
            else
                Change(oldEntries, ref i, tree.Entries[j++], before, tree, path);
        }
        Flush();
        Writer.WriteByte(PlanFormat.End);
    }

    private void Change(IReadOnlyList<TreeEntry> oldEntries, ref int i, TreeEntry entry, Tree? before, Tree tree, string path)
    {
        var previous = oldEntries[i];
        if (AreEqual(previous, entry))
        {
            Count(PlanFormat.Keep, ref i);
        }
        else if (previous is TreeEntry.Directory a && entry is TreeEntry.Directory b && old.FindDirectory(b.Id) is null)
        {
            Flush();
            Writer.WriteByte(PlanFormat.Subtree);
            _open.Enqueue((b.Id, a.Id, path + OldIndex.Text(b.Name) + "/"));
            i++;
        }
        else if (previous is TreeEntry.File x && entry is TreeEntry.File y && x.Metadata.Equals(y.Metadata))
        {
            Flush();
            Writer.WriteByte(PlanFormat.Content);
            WriteContent(y, x, path);
            i++;
        }
        else
        {
            Count(PlanFormat.Drop, ref i);
            Insert(entry, before, tree, path);
        }
    }

    private void Insert(TreeEntry entry, Tree? before, Tree tree, string path)
    {
        Flush();
        Writer.WriteByte(PlanFormat.Insert);
        Writer.WriteName(entry.Name);
        switch (entry)
        {
            case TreeEntry.File file:
                Writer.WriteByte(TreeWriter.FileKind);
                Writer.WriteMetadata(file.Metadata);
                WriteContent(file, null, path);
                break;
            case TreeEntry.Directory directory:
                Writer.WriteByte(TreeWriter.DirectoryKind);
                WriteDirectory(directory, before, tree, path);
                break;
            default:
                Writer.WritePlain(entry);
                break;
        }
    }

    private void WriteDirectory(TreeEntry.Directory directory, Tree? before, Tree tree, string path)
    {
        if (old.FindDirectory(directory.Id) is { } place)
        {
            Writer.WriteByte(PlanFormat.OldTree);
            WritePlace(Writer, place);
            return;
        }
        var pair = before is null ? -1 : PairOf(directory.Name, before, tree);
        Writer.WriteByte(pair < 0 ? PlanFormat.NewTree : PlanFormat.PairedTree);
        if (pair >= 0)
            Writer.WriteNumber((ulong)pair);
        _open.Enqueue((directory.Id, pair < 0 ? null : ((TreeEntry.Directory)before!.Entries[pair]).Id, path + OldIndex.Text(directory.Name) + "/"));
    }

    // "6.1.0-55-amd64" follows "6.1.0-54-amd64": the same name but for its numbers, and no longer there.
    private static int PairOf(EntryName name, Tree before, Tree tree)
    {
        var folded = NameFolding.Fold(OldIndex.Text(name));
        for (var i = 0; i < before.Entries.Count; i++)
        {
            if (before.Entries[i] is TreeEntry.Directory other && tree.Find(other.Name) is null && NameFolding.Fold(OldIndex.Text(other.Name)) == folded)
                return i;
        }
        return -1;
    }

    private void WriteContent(TreeEntry.File file, TreeEntry.File? counterpart, string path)
    {
        if (file.Size == 0)
        {
            Writer.WriteByte(PlanFormat.NoContent);
        }
        else if (old.FindFile(file.Id) is { } present)
        {
            Writer.WriteByte(PlanFormat.OldContent);
            WritePlace(Writer, present.Place);
        }
        else if (_known.TryGetValue(file.Id, out var number))
        {
            Writer.WriteByte(PlanFormat.EarlierContent);
            Writer.WriteNumber((ulong)number);
        }
        else
        {
            Writer.WriteByte(PlanFormat.NextContent);
            Writer.WriteNumber(counterpart is null ? (ulong)file.Size : ZigZag.Encode(file.Size - counterpart.Size));
            _known.Add(file.Id, _contents.Count);
            _contents.Add(new NewContent(file.Id, file.Size, path, OldIndex.Text(file.Name), counterpart));
        }
    }

    internal static void WritePlace(TreeWriter writer, OldPlace place)
    {
        writer.WriteNumber((ulong)place.Indexes.Count);
        foreach (var index in place.Indexes)
            writer.WriteNumber((ulong)index);
    }

    private void Count(byte kind, ref int i)
    {
        if (_pendingKind != kind)
            Flush();
        _pendingKind = kind;
        _pending++;
        i++;
    }

    private void Flush()
    {
        if (_pending > 0)
        {
            Writer.WriteByte(_pendingKind);
            Writer.WriteNumber((ulong)_pending);
        }
        _pending = 0;
    }

    private static bool AreEqual(TreeEntry a, TreeEntry b) => (a, b) switch
    {
        (TreeEntry.Symlink x, TreeEntry.Symlink y) => x.Metadata.Equals(y.Metadata) && x.Target.AsSpan().SequenceEqual(y.Target),
        _ => a.Equals(b),
    };
}
