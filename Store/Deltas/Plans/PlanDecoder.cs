using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>Reads a plan. Every number is checked against what it may be: the bytes come from outside and are not signed.</summary>
internal ref struct PlanDecoder
{
    private readonly OldTrees _old;
    private readonly ObjectId? _oldRoot;
    private readonly List<PlannedTree> _trees = [];
    private readonly List<PlannedContent> _contents = [];
    private readonly Queue<(ObjectId? Old, int Depth)> _open = [];
    private TreeReader _reader;
    private int _announced;
    private long _entriesLeft;
    private long _bytesLeft;
    private long _oldEntriesLeft = PlanFormat.MaxOldEntries;

    private PlanDecoder(ReadOnlySpan<byte> plan, OldTrees old, ObjectId? oldRoot)
    {
        _reader = new TreeReader(plan);
        (_old, _oldRoot) = (old, oldRoot);
    }

    /// <param name="plan">The plan's bytes, decompressed.</param>
    /// <param name="to">The commit that was asked for.</param>
    /// <param name="read">Reads a tree of the old commit.</param>
    /// <param name="oldRoot">The old commit's root tree; null when the delta starts from nothing.</param>
    /// <exception cref="CorruptDeltaException">No plan for that commit.</exception>
    public static DeltaPlan Decode(ReadOnlySpan<byte> plan, ObjectId to, Func<ObjectId, Tree> read, ObjectId? oldRoot)
    {
        try
        {
            return new PlanDecoder(plan, new OldTrees(read, oldRoot), oldRoot).Decode(to);
        }
        catch (FormatException e) when (e is not CorruptDeltaException)
        {
            throw new CorruptDeltaException("plan: " + e.Message, e);
        }
    }

    private DeltaPlan Decode(ObjectId to)
    {
        var encoded = _reader.ReadBytes(1, Repositories.Repository.MaxCommitBytes, "commit").ToArray();
        if (ObjectId.Of(encoded) != to)
            throw new CorruptDeltaException("holds another commit than its name says");
        var commit = DecodeCommit(encoded);
        // A signed commit says how much it is: a plan that makes more is a bomb.
        (_entriesLeft, _bytesLeft) = (commit.Entries, commit.Bytes);
        if (Flag("root tree"))
            ReadTrees();
        else if (commit.Tree != _oldRoot)
            throw new CorruptDeltaException("says that the root tree is the old one, which it is not");
        ReadPackings();
        var parts = new PartsDecoder(_old, _contents).Read(ref _reader);
        return _reader.Remaining == 0
            ? new DeltaPlan(encoded, commit, _trees, _contents, parts)
            : throw new CorruptDeltaException("bytes after the end of the plan");
    }

    // What the store holds wrong is another error than a wrong plan.
    private static Commit DecodeCommit(byte[] encoded)
    {
        try
        {
            return Commit.Decode(encoded);
        }
        catch (CorruptObjectException e)
        {
            throw new CorruptDeltaException("plan: " + e.Message, e);
        }
    }

    private void ReadTrees()
    {
        Announce(_oldRoot, 0);
        while (_open.TryDequeue(out var next))
            _trees.Add(ReadTree(next.Old is { } old ? ReadOld(old) : null, next.Depth));
    }

    // One at a time: a plan of a few bytes may pair every new directory with the largest old one.
    private Tree ReadOld(ObjectId id)
    {
        var tree = _old.Read(id);
        _oldEntriesLeft -= tree.Entries.Count;
        return _oldEntriesLeft >= 0 ? tree : throw new CorruptDeltaException("compares too many old entries");
    }

    private int Announce(ObjectId? old, int depth)
    {
        if (depth > PlanFormat.MaxDepth)
            throw new CorruptDeltaException("directories are nested too deep");
        _open.Enqueue((old, depth));
        return _announced++;
    }

    private PlannedTree ReadTree(Tree? old, int depth)
    {
        var metadata = Flag("metadata") ? _reader.ReadMetadata() : old?.Metadata ?? throw new CorruptDeltaException("keeps the metadata of a directory that is not there");
        var before = old?.Entries ?? [];
        var entries = new List<PlannedEntry>();
        EntryName? last = null;
        var at = 0;
        while (true)
        {
            var kind = _reader.Take(1)[0];
            if (kind == PlanFormat.End)
                break;
            var count = kind is PlanFormat.Keep or PlanFormat.Drop ? (int)_reader.ReadNumber((ulong)(before.Count - at), "count of entries") : 1;
            for (var i = 0; i < count; i++)
            {
                if (kind == PlanFormat.Drop)
                {
                    at++;
                    continue;
                }
                var previous = kind == PlanFormat.Insert ? null : at < before.Count ? before[at++] : throw new CorruptDeltaException("changes an entry that is not there");
                var (name, entry) = ReadEntry(kind, previous, old, depth);
                if (last is { } earlier && earlier >= name)
                    throw new CorruptDeltaException($"entry '{name}' is out of order");
                last = name;
                entries.Add(entry);
                if (--_entriesLeft < 0)
                    throw new CorruptDeltaException("makes more entries than its commit has");
            }
        }
        return at == before.Count ? new PlannedTree(metadata, entries) : throw new CorruptDeltaException("does not say what becomes of every old entry");
    }

    private (EntryName Name, PlannedEntry Entry) ReadEntry(byte kind, TreeEntry? previous, Tree? old, int depth) => (kind, previous) switch
    {
        (PlanFormat.Keep, { } kept) => (kept.Name, new PlannedEntry.Known(kept)),
        (PlanFormat.Content, TreeEntry.File file) => (file.Name, ReadContent(file.Name, file.Metadata, file)),
        (PlanFormat.Subtree, TreeEntry.Directory directory) =>
            (directory.Name, new PlannedEntry.Subtree(directory.Name, Announce(directory.Id, depth + 1))),
        (PlanFormat.Insert, null) => ReadInserted(old, depth),
        _ => throw new CorruptDeltaException($"change {kind} does not fit the old entry"),
    };

    private (EntryName Name, PlannedEntry Entry) ReadInserted(Tree? old, int depth)
    {
        var name = _reader.ReadName();
        var kind = _reader.Take(1)[0];
        return (name, kind switch
        {
            TreeWriter.FileKind => ReadContent(name, _reader.ReadMetadata(), null),
            TreeWriter.DirectoryKind => ReadDirectory(name, old, depth),
            _ => new PlannedEntry.Known(_reader.ReadPlain(name, kind)),
        });
    }

    private PlannedEntry ReadDirectory(EntryName name, Tree? old, int depth)
    {
        switch (_reader.Take(1)[0])
        {
            case PlanFormat.NewTree:
                return new PlannedEntry.Subtree(name, Announce(null, depth + 1));
            case PlanFormat.PairedTree:
                var index = (int)_reader.ReadNumber((ulong)Math.Max(0, (old?.Entries.Count ?? 0) - 1), "paired directory");
                var pair = old?.Entries is { Count: > 0 } entries && entries[index] is TreeEntry.Directory directory
                    ? directory.Id
                    : throw new CorruptDeltaException($"directory '{name}' is paired with what is none");
                return new PlannedEntry.Subtree(name, Announce(pair, depth + 1));
            case PlanFormat.OldTree:
                return _old.Find(ReadPlace(ref _reader)) is TreeEntry.Directory present
                    ? new PlannedEntry.Known(new TreeEntry.Directory(name, present.Id))
                    : throw new CorruptDeltaException($"directory '{name}' stands for what is none");
            case var other:
                throw new CorruptDeltaException($"directory '{name}' has unknown kind {other}");
        }
    }

    private PlannedEntry ReadContent(EntryName name, Metadata metadata, TreeEntry.File? counterpart)
    {
        switch (_reader.Take(1)[0])
        {
            case PlanFormat.NextContent:
                var number = _reader.ReadNumber(ulong.MaxValue, "size");
                var size = counterpart is null ? (long)Math.Min(number, long.MaxValue) : counterpart.Size + ZigZag.Decode(number);
                if (size <= 0)
                    throw new CorruptDeltaException($"file '{name}' has no size");
                _contents.Add(new PlannedContent(size, counterpart is { Size: > 0 } ? counterpart : null));
                return Rebuilt(name, metadata, _contents.Count - 1);
            case PlanFormat.EarlierContent when _contents.Count > 0:
                return Rebuilt(name, metadata, (int)_reader.ReadNumber((ulong)(_contents.Count - 1), "content"));
            case PlanFormat.OldContent:
                return _old.Find(ReadPlace(ref _reader)) is TreeEntry.File present
                    ? new PlannedEntry.Known(new TreeEntry.File(name, metadata, present.Size, present.Id))
                    : throw new CorruptDeltaException($"file '{name}' has the content of what is no file");
            case PlanFormat.NoContent:
                return new PlannedEntry.Known(new TreeEntry.File(name, metadata, 0, ObjectId.Of([])));
            case var other:
                throw new CorruptDeltaException($"file '{name}' has content of unknown kind {other}");
        }
    }

    private PlannedEntry.Rebuilt Rebuilt(EntryName name, Metadata metadata, int content)
    {
        // Each file counts: under another owner the same content takes its room again.
        if (_contents[content].Size > _bytesLeft)
            throw new CorruptDeltaException("makes more bytes than its commit has");
        _bytesLeft -= _contents[content].Size;
        var variants = _contents[content].Variants;
        if (!variants.Contains(metadata))
            variants.Add(metadata);
        return new PlannedEntry.Rebuilt(name, metadata, content);
    }

    private void ReadPackings()
    {
        var count = _reader.ReadNumber((ulong)_contents.Count, "count of packed contents");
        var next = 0;
        for (ulong i = 0; i < count; i++)
        {
            next += (int)_reader.ReadNumber((ulong)Math.Max(0, _contents.Count - 1 - next), "packed content");
            if (next >= _contents.Count)
                throw new CorruptDeltaException("packs a content that is not there");
            if (!Repacking.TryDecode(_reader.ReadBytes(1, Repacking.MaxEncodedLength, "packing"), out var repacking))
                throw new CorruptDeltaException("a content is packed in an unknown way");
            var size = (long)_reader.ReadNumber(PlanFormat.MaxUnpackedBytes, "unpacked size");
            if (size == 0)
                throw new CorruptDeltaException("packs nothing");
            _contents[next++].Packing = new PlannedPacking(repacking!, size, System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(_reader.Take(8)));
        }
    }

    internal static OldPlace ReadPlace(ref TreeReader reader)
    {
        var indexes = new int[reader.ReadNumber(PlanFormat.MaxDepth, "depth of a place")];
        for (var i = 0; i < indexes.Length; i++)
            indexes[i] = (int)reader.ReadNumber(int.MaxValue, "entry of a place");
        return indexes.Length > 0 ? new OldPlace(indexes) : throw new CorruptDeltaException("a place without a path");
    }

    private bool Flag(string what) => _reader.Take(1)[0] switch
    {
        0 => false,
        1 => true,
        var other => throw new CorruptDeltaException($"{what}: {other} is neither yes nor no"),
    };
}
