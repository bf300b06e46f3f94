using System.Buffers.Binary;
using System.Security.Cryptography;
using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Application;

/// <summary>
/// Makes a new commit in a store out of an old one and a delta, part by part, in any order and on several threads. Every content
/// enters the store the moment it is whole; the commit enters last, when the trees lead to what was signed.
/// </summary>
public sealed class DeltaApplication : IDisposable
{
    /// <summary>Largest plan that is read: names, owners and sizes of what is new.</summary>
    public const int MaxPlanBytes = 64 * 1024 * 1024;

    private readonly LocalStore _store;
    private readonly StorePull _pull;
    private readonly DeltaPlan _plan;
    private readonly ObjectId?[] _ids;
    private readonly ContentSink?[] _sinks;
    private readonly bool[] _differs;
    private readonly bool[] _isSliced;
    private readonly bool[] _isApplied;
    private readonly object _gate = new();
    private readonly PartDecoding _decoding;

    private DeltaApplication(LocalStore store, StorePull pull, DeltaHeader header, DeltaPlan plan)
    {
        (_store, _pull, _plan, Header) = (store, pull, plan, header);
        _ids = new ObjectId?[plan.Contents.Count];
        _sinks = new ContentSink?[plan.Contents.Count];
        _differs = new bool[plan.Contents.Count];
        _isSliced = new bool[plan.Contents.Count];
        _isApplied = new bool[plan.Parts.Count];
        foreach (var item in plan.Parts.SelectMany(p => p).Where(i => i.Length != plan.Contents[i.Content].CodedSize))
            _isSliced[item.Content] = true;
        _decoding = new PartDecoding(new BaseContents(store, pull), header.MemoryKiB);
    }

    /// <summary>Called with each content's number and id the moment it is in the store's batch.</summary>
    public Action<int, ObjectId>? OnContent { get; set; }

    public DeltaHeader Header { get; }

    /// <summary>The commit that it makes.</summary>
    public Commit Commit => _plan.Commit;

    /// <summary>Contents that it rebuilds: with how many inodes, and their bytes.</summary>
    public IEnumerable<(long Size, int Inodes)> Contents => _plan.Contents.Select(c => (c.Size, c.Variants.Count));

    /// <summary>Bytes that applying one part takes: to decode it, and to pack its contents.</summary>
    public long PartMemory => Header.MemoryKiB * 1024L + _plan.Contents.Max(c => Math.Max(c.Packing?.Repacking.PackMemory ?? 0, c.Packing?.Repacking.UnpackMemory ?? 0));

    /// <summary>Some content was packed otherwise than by the publisher: it must be fetched as it is.</summary>
    public bool IsIncomplete => _differs.Contains(true);

    /// <summary>
    /// Directories and what is neither file nor directory in the whole new tree: what a deployment of it makes beside links.
    /// </summary>
    public long CountUnlinked()
    {
        var old = new UnlinkedCount(_store.ReadTree);
        if (_plan.Trees.Count == 0)
            return old.Of(_plan.Commit.Tree);
        var entries = _plan.Trees.SelectMany(t => t.Entries).ToArray();
        return _plan.Trees.Count + entries.OfType<PlannedEntry.Known>().Sum(k => k.Entry switch
        {
            TreeEntry.Directory directory => old.Of(directory.Id),
            TreeEntry.File { Size: > 0 } => 0,
            _ => 1,
        });
    }

    /// <summary>
    /// The root of the new trees as they will be, before any content is rebuilt: for <see cref="ReadOutline"/> only. Nobody signed them yet.
    /// </summary>
    public ObjectId OutlineRoot => _plan.Trees.Count == 0 ? _plan.Commit.Tree : TreeOutline.TreeId(0);

    /// <summary>A tree of the outline. What the delta rebuilds has its size there, and an id that only stands for it.</summary>
    /// <exception cref="CorruptDeltaException">The plan makes no tree of it.</exception>
    public Tree ReadOutline(ObjectId id) => TreeOutline.Read(_plan, id) ?? _store.ReadTree(id);

    /// <summary>Reads the plan. The old commit must be complete in the store.</summary>
    /// <param name="codedPlan">The plan's bytes as they are in the file.</param>
    /// <exception cref="CorruptDeltaException">Damaged, or not a plan from that commit to that one.</exception>
    public static DeltaApplication Open(LocalStore store, StorePull pull, DeltaHeader header, ReadOnlySpan<byte> codedPlan)
    {
        var from = header.From is { } id ? store.ReadCommit(id) : null;
        if (DeltaHeader.Checksum(codedPlan) != header.Plan.Checksum)
            throw new CorruptDeltaException("the plan is damaged");
        var plan = PlanDecoder.Decode(PlanCoding.Decode(header.Plan, codedPlan, from), header.To, store.ReadTree, from?.Tree);
        if (plan.Parts.Count != header.Parts.Count)
            throw new CorruptDeltaException("the plan has another number of parts than the header");
        for (var i = 0; i < plan.Parts.Count; i++)
        {
            if (plan.Parts[i].Sum(p => p.Length) != header.Parts[i].OutputLength)
                throw new CorruptDeltaException($"part {i} holds something else than the header says");
        }
        var packing = Math.Max(PlanFormat.MaxPackingMemory, header.MemoryKiB * 1024L);
        if (plan.Contents.Any(c => c.Packing?.Repacking is { } repacking && (repacking.PackMemory > packing || repacking.UnpackMemory > packing)))
            throw new CorruptDeltaException("packing a content takes more memory than it announces");
        return new DeltaApplication(store, pull, header, plan);
    }

    /// <summary>Remembers what an earlier run rebuilt; what is no longer there is forgotten.</summary>
    public void Resume(IEnumerable<(int Content, ObjectId Id)> rebuilt)
    {
        foreach (var (content, id) in rebuilt)
        {
            if (content >= 0 && content < _ids.Length && _plan.Contents[content].Variants.All(v => _pull.Contains(new StoredFile(id, v.Digest()))))
                _ids[content] = id;
        }
    }

    /// <summary>Something in the part is still to be made. A slice that was applied is not, though its content lacks others.</summary>
    public bool Needs(int part) => !_isApplied[part] && _plan.Parts[part].Any(i => _ids[i.Content] is null && !_differs[i.Content]);

    /// <summary>Whether a part's bytes are the ones that were published.</summary>
    /// <param name="coded">Exactly its bytes; stands at their start again afterwards.</param>
    public bool IsIntact(int part, Stream coded)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(coded, hash);
        var isIntact = coded.Position == Header.Parts[part].CodedLength && BinaryPrimitives.ReadUInt64LittleEndian(hash) == Header.Parts[part].Checksum;
        coded.Position = 0;
        return isIntact;
    }

    /// <summary>Decodes one part that is intact.</summary>
    /// <param name="coded">Exactly its bytes.</param>
    /// <exception cref="CorruptDeltaException">The bytes are damaged or hostile. Nothing false is in the store.</exception>
    public void Apply(int part, Stream coded, CancellationToken cancellation = default)
    {
        var announced = Header.Parts[part];
        using var packing = new GzipBatch(Finished);
        try
        {
            _decoding.Run(announced, coded, _plan.Parts[part], Sink, content => Finish(content, packing), cancellation);
            packing.Run();
            _isApplied[part] = true;
        }
        catch (Exception e) when (e is FormatException and not CorruptDeltaException or CorruptObjectException || IsRefusedMetadata(e))
        {
            throw new CorruptDeltaException($"part {part}: {e.Message}", e);
        }
    }

    /// <summary>Makes the trees out of the contents and, when they are the signed commit's, completes the commit.</summary>
    /// <exception cref="CorruptDeltaException">They lead to another root tree: the delta is false.</exception>
    public CompleteCommit Complete()
    {
        if (_ids.Any(id => id is null))
            throw new InvalidOperationException("not every part is applied");
        _decoding.Dispose();
        var trees = new List<(ObjectId Id, byte[] Encoded)>();
        if (RebuildRoot(trees) != _plan.Commit.Tree)
            throw new CorruptDeltaException("it makes another tree than the signed one");
        MakeVariants();
        foreach (var (id, encoded) in trees)
            _pull.AddEncoded(id, encoded);
        return _pull.Complete(Header.To, _plan.EncodedCommit);
    }

    public void Dispose()
    {
        foreach (var sink in _sinks)
            sink?.Dispose();
        _decoding.Dispose();
    }

    // Owners and attributes are the plan's word until the root tree is proved: what no kernel takes is not the disk's fault.
    private static bool IsRefusedMetadata(Exception e) => e is PosixException { Errno: Posix.EINVAL or Posix.EOPNOTSUPP };

    private ObjectId RebuildRoot(List<(ObjectId Id, byte[] Encoded)> trees)
    {
        try
        {
            return TreeRebuild.Run(_plan, [.. _ids.Select(id => id!.Value)], (id, encoded) => trees.Add((id, encoded)));
        }
        catch (FormatException e)
        {
            throw new CorruptDeltaException(e.Message, e);
        }
    }

    // An old content that has a new owner or mode is copied here, never fetched.
    private void MakeVariants()
    {
        var missing = _plan.Trees.SelectMany(t => t.Entries).OfType<PlannedEntry.Known>()
            .Select(k => k.Entry).OfType<TreeEntry.File>()
            .Where(f => f.Size > 0 && !_pull.Contains(new StoredFile(f.Id, f.Metadata.Digest())));
        foreach (var file in missing.OrderBy(f => f.Id).ToArray())
        {
            if (_pull.Contains(new StoredFile(file.Id, file.Metadata.Digest())))
                continue;
            var present = _store.FindVariant(file.Id) ?? throw new CorruptDeltaException("the old commit lacks a content that the delta builds on");
            _pull.AddVariant(present, file.Size, file.Metadata);
        }
    }

    // What an earlier run made is decoded again when its neighbours in the part are missing, and dropped.
    private ContentSink? Sink(int content)
    {
        lock (_gate)
        {
            return _ids[content] is null && !_differs[content] ? _sinks[content] ??= new ContentSink(_plan.Contents[content], _pull, _isSliced[content]) : null;
        }
    }

    private void Finish(int content, GzipBatch packing)
    {
        ContentSink? sink;
        lock (_gate)
        {
            sink = _sinks[content];
            if (sink is not { IsWhole: true })
                return;
            _sinks[content] = null;
        }
        if (sink.GzipLevel is not null)
        {
            packing.Add(content, sink);
            return;
        }
        using (sink)
            Finished(content, sink.Complete());
    }

    private void Finished(int content, ObjectId? made)
    {
        _ids[content] = made;
        _differs[content] = made is null;
        if (made is { } id)
            OnContent?.Invoke(content, id);
    }
}
