using ContentTree.Store.Deltas.Coding;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>Matches and codes a part with one margin after the other and keeps the smallest. Its tables are used for part after part.</summary>
internal sealed class ContextCoding(CoderProfile profile, LargeSteps large) : IDisposable
{
    // Positions indexed in a base: 32 MiB of chains. Larger bases are indexed more sparsely.
    private const int MaxPositions = 1 << 23;

    // Above this, old and new bytes and the index of the old ones are no longer small.
    private const long SmallBytes = 2 * 1024 * 1024;

    // Machine code, mixed trees, text.
    private static readonly int[] Margins = [4, 8, 16];

    private readonly Matcher _matcher = new(MaxPositions);
    private readonly PagedMemory _old = new();
    private readonly PagedMemory _new = new();
    private readonly ContextEncoder _encoder = new(profile);

    /// <summary>Bytes that a decoder of this profile needs.</summary>
    public long DecoderBytes => _encoder.Bytes;

    /// <param name="desk">Holds the bytes of the items; the coded part is appended to it.</param>
    public ScratchRegion Code(IReadOnlyList<DeskItem> items, ScratchFile desk, CancellationToken cancellation)
    {
        var bytes = desk.From(0);
        var operations = items.Select(i => Match(i, bytes, cancellation)).ToArray();
        var best = new ScratchRegion(desk.Handle, 0, long.MaxValue);
        for (var margin = 0; margin < Margins.Length; margin++)
        {
            var start = desk.Length;
            desk.Append(Code(items, bytes, operations, margin, cancellation).Span);
            if (desk.Length - start < best.Length)
                best = desk.From(start);
        }
        return best;
    }

    public void Dispose()
    {
        _encoder.Dispose();
        _matcher.Dispose();
        _old.Dispose();
        _new.Dispose();
    }

    private List<MatchOperation>[] Match(DeskItem item, ScratchRegion bytes, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (item.OldLength + item.NewLength <= SmallBytes)
            return Match(item, bytes);
        return large.Alone(
            () =>
            {
                var operations = Match(item, bytes);
                _matcher.Release();
                _old.Release();
                _new.Release();
                return operations;
            },
            cancellation);
    }

    private unsafe List<MatchOperation>[] Match(DeskItem item, ScratchRegion bytes)
    {
        var old = new Span<byte>(_old.Reserve(item.OldLength), (int)item.OldLength);
        var content = new Span<byte>(_new.Reserve(item.NewLength), (int)item.NewLength);
        bytes.Read(item.OldAt, old);
        bytes.Read(item.NewAt, content);
        _matcher.Prepare(old);
        var operations = new List<MatchOperation>[Margins.Length];
        for (var i = 0; i < Margins.Length; i++)
            operations[i] = _matcher.Match(old, content, Margins[i]);
        return operations;
    }

    private ReadOnlyMemory<byte> Code(
        IReadOnlyList<DeskItem> items, ScratchRegion bytes, List<MatchOperation>[][] operations, int margin, CancellationToken cancellation)
    {
        // One goes ahead evenly and the other jumps: together they would take the pages from each other.
        var (olds, news) = (new FileBase(bytes.File, bytes.Start, bytes.Length), new FileBase(bytes.File, bytes.Start, bytes.Length, pages: 1));
        _encoder.Start();
        for (var i = 0; i < items.Count; i++)
        {
            var item = items[i];
            var (old, content) = (new BaseRange(olds, item.OldAt, item.OldLength), new BaseRange(news, item.NewAt, item.NewLength, cancellation));
            _encoder.Add(old, content, operations[i][margin], item.Start);
        }
        return _encoder.Finish();
    }
}
