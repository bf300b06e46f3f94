using System.Buffers;
using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>
/// Makes the delta from one commit of a repository to another: finds what is new, chooses bases, codes the parts on several threads,
/// and writes header, plan and parts. What is coded is kept in <see cref="PartCache"/>, so that a stopped generation goes on where it was.
/// </summary>
public sealed class DeltaGeneration
{
    private readonly Repository _repository;
    private readonly DeltaOptions _options;
    private readonly PartCache _cache;
    private TimeSpan _cpu;

    /// <param name="cache">Keeps coded parts.</param>
    public DeltaGeneration(Repository repository, DeltaOptions options, PartCache cache)
    {
        (_repository, _options, _cache) = (repository, options, cache);
    }

    /// <summary>Called as parts are finished, with how many are and how many there will be.</summary>
    public Action<int, int>? OnProgress { get; set; }

    /// <summary>Writes the delta to a stream.</summary>
    /// <param name="from">The commit that devices have; null for none.</param>
    /// <param name="to">The commit that they are to have.</param>
    /// <exception cref="ObjectNotFoundException">The repository lacks something that the commits reach.</exception>
    public GeneratedDelta Write(ObjectId? from, ObjectId to, Stream output, CancellationToken cancellation)
    {
        _cpu = -Posix.ThreadTime();
        var old = from is { } id ? _repository.ReadCommit(id) : null;
        var commit = _repository.ReadCommit(to);
        var index = new OldIndex(_repository.ReadTree, old?.Tree, commit.Tree);
        var plan = new ArrayBufferWriter<byte>();
        PlanEncoder.WriteCommit(plan, commit.Encode());
        var edits = new TreeEdits(_repository.ReadTree, index, plan);
        edits.Write(old?.Tree, commit.Tree);
        using var contents = new SourceContents(_repository, _cache.WorkDirectory, new PackingProofs(_cache.WorkDirectory));
        var like = new LikeContents(contents, Gone(index, commit), cancellation);
        var (sources, cpu) = new ContentSources(contents, new BasePairing(index), like, _options).Choose(edits.Contents, cancellation);
        _cpu += cpu;
        PlanEncoder.WritePackings(plan, [.. sources.Where(s => s.Packing is not null).Select(s => (s.Number, s.Packing!))]);
        var groups = PartGrouping.Group(sources, _options.PartBytes);
        var coded = CodeParts(groups, contents, cancellation);
        var order = Order(groups, coded);
        PlanEncoder.WriteParts(plan, [.. order.Select(i => groups[i])]);
        // What a device would refuse must not be published.
        PlanDecoder.Decode(plan.WrittenSpan, to, _repository.ReadTree, old?.Tree);
        PartCache.Entry[] parts = [.. order.Select(i => coded[i])];
        var header = Write(from, to, old, plan.WrittenSpan, parts, output);
        return new GeneratedDelta(header, _cpu + Posix.ThreadTime(), parts.Count(p => p.WasKnown));
    }

    private IEnumerable<OldFile> Gone(OldIndex old, Commit commit)
    {
        var gone = old.Files.ToDictionary(file => file.Entry.Id);
        var seen = new HashSet<ObjectId>();
        var open = new Stack<ObjectId>([commit.Tree]);
        while (gone.Count > 0 && open.TryPop(out var next))
        {
            foreach (var entry in _repository.ReadTree(next).Entries)
            {
                if (entry is TreeEntry.File file)
                    gone.Remove(file.Id);
                else if (entry is TreeEntry.Directory directory && seen.Add(directory.Id))
                    open.Push(directory.Id);
            }
        }
        foreach (var file in gone.Values)
            yield return file;
    }

    // A device decodes while it downloads: what comes last should take it the least time. Slices of one content stay together.
    private static int[] Order(IReadOnlyList<IReadOnlyList<PartSource>> groups, PartCache.Entry[] coded) =>
        [.. Enumerable.Range(0, coded.Length)
            .GroupBy(i => groups[i][0].IsSlice ? groups[i][0].Number : -1 - i)
            .OrderByDescending(block => coded[block.Last()].Length)
            .SelectMany(block => block)];

    private PartCache.Entry[] CodeParts(IReadOnlyList<IReadOnlyList<PartSource>> groups, SourceContents contents, CancellationToken cancellation)
    {
        var parts = new PartCache.Entry[groups.Count];
        var done = 0;
        using var large = new LargeSteps();
        // The largest take longest: begun last they would run alone.
        var order = Enumerable.Range(0, groups.Count).OrderByDescending(i => groups[i].Sum(p => p.Length)).ToArray();
        _cpu += WorkThreads.Run(_options, order, next =>
        {
            using var coding = new PartCoding(contents, _options, large, _cache.WorkDirectory);
            while (next() is { } i)
            {
                parts[i] = _cache.GetOrAdd(PartKey.Of(groups[i], _options), groups[i].Sum(p => p.Length), () => coding.Code(groups[i], cancellation));
                OnProgress?.Invoke(Interlocked.Increment(ref done), groups.Count);
            }
        }, cancellation);
        return parts;
    }

    private static DeltaHeader Write(ObjectId? from, ObjectId to, Commit? old, ReadOnlySpan<byte> plan, PartCache.Entry[] parts, Stream output)
    {
        var codedPlan = PlanCoding.Encode(plan, old);
        var planPart = new DeltaPart(PartCodec.ZstdWithBase, 0, codedPlan.Length, plan.Length, DeltaHeader.Checksum(codedPlan));
        var memory = (int)((parts.Select(p => p.Memory).DefaultIfEmpty(0).Max() + 1023) / 1024);
        var header = new DeltaHeader(from, to, memory, planPart, [.. parts.Select(p => new DeltaPart(p.Codec, 0, p.Length, p.OutputLength, p.Checksum))]);
        var encoded = header.Encode();
        output.Write(encoded);
        output.Write(codedPlan);
        foreach (var part in parts)
            PartCache.CopyTo(part, output);
        // Only reading it tells the offsets.
        return DeltaHeader.Decode(encoded);
    }
}
