using ContentTree.Store.Deltas.Coding;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>Matches and codes a part with one margin after the other and keeps the smallest. Its tables are used for part after part.</summary>
internal sealed class ContextCoding(CoderProfile profile) : IDisposable
{
    // Positions indexed in a base: 32 MiB of chains. Larger bases are indexed more sparsely.
    private const int MaxPositions = 1 << 23;

    // Machine code, mixed trees, text.
    private static readonly int[] Margins = [4, 8, 16];

    private readonly Matcher _matcher = new(MaxPositions);
    private readonly ContextEncoder _encoder = new(profile);

    /// <summary>Bytes that a decoder of this profile needs.</summary>
    public long DecoderBytes { get; } = BytesOfDecoder(profile);

    /// <param name="items">Old and new bytes of each item, and where in its content it begins.</param>
    public byte[] Code(IReadOnlyList<(byte[] Old, ReadOnlyMemory<byte> New, long Start)> items, CancellationToken cancellation)
    {
        var operations = items.Select(i => Match(i.Old, i.New.Span, cancellation)).ToArray();
        byte[]? best = null;
        for (var margin = 0; margin < Margins.Length; margin++)
        {
            var coded = Code(items, operations, margin, cancellation);
            if (best is null || coded.Length < best.Length)
                best = coded.ToArray();
        }
        return best!;
    }

    public void Dispose() => _encoder.Dispose();

    private static long BytesOfDecoder(CoderProfile profile)
    {
        using var decoder = new ContextDecoder(profile);
        return decoder.Bytes;
    }

    private List<MatchOperation>[] Match(byte[] old, ReadOnlySpan<byte> content, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        _matcher.Prepare(old);
        var operations = new List<MatchOperation>[Margins.Length];
        for (var i = 0; i < Margins.Length; i++)
            operations[i] = _matcher.Match(old, content, Margins[i]);
        return operations;
    }

    private ReadOnlyMemory<byte> Code(
        IReadOnlyList<(byte[] Old, ReadOnlyMemory<byte> New, long Start)> items, List<MatchOperation>[][] operations, int margin, CancellationToken cancellation)
    {
        _encoder.Start();
        for (var i = 0; i < items.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            _encoder.Add(new MemoryBase(items[i].Old), items[i].New, operations[i][margin], items[i].Start);
        }
        return _encoder.Finish();
    }
}
