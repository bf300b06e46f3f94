using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas.Coding;
using ContentTree.Store.Deltas.Plans;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>
/// Codes a part in every way that may pay and keeps the smallest. The bytes lie on a desk, a scratch file: new ones first, then
/// the bases, then what was coded. One per thread.
/// </summary>
internal sealed class PartCoding(SourceContents contents, DeltaOptions options, LargeSteps large, string workDirectory) : IDisposable
{
    // Above this a window over old and new bytes would not fit a device.
    private const long WithBaseBytes = 4 * 1024 * 1024;

    // Below this every match counts and nothing is learned in time: general compressors may win.
    private const long TinyBytes = 256 * 1024;
    private const int WindowLog = 23;
    private const int ZstdLevel = 19;
    private const int XzPreset = 9;
    private const int CopyBytes = 64 * 1024;

    // 8 MiB, as the format counts them.
    private const int XzDictionaryCode = 22;

    private readonly ScratchFile _desk = new(workDirectory);
    private ContextCoding? _context;

    private static readonly XzParameters XzOfParts = XzParameters.TryCreate(XzPreset, true, XzDictionaryCode, XzCheck.None, false, 0, false, out var parameters)
        ? parameters
        : throw new System.Diagnostics.UnreachableException();

    /// <summary>The smallest form of a part, and what its decoder needs; stays until the next part.</summary>
    public CodedPart Code(IReadOnlyList<PartSource> part, CancellationToken cancellation)
    {
        var items = Lay(part, cancellation);
        var output = items.Sum(i => i.NewLength);
        var best = new CodedPart(PartCodec.Raw, new ScratchRegion(_desk.Handle, 0, output), 0);
        foreach (var candidate in Candidates(items, output, _desk.Length - output, cancellation))
        {
            cancellation.ThrowIfCancellationRequested();
            if (candidate.Bytes.Length < best.Bytes.Length)
                best = candidate;
        }
        return best;
    }

    public void Dispose()
    {
        _context?.Dispose();
        _desk.Dispose();
    }

    private DeskItem[] Lay(IReadOnlyList<PartSource> part, CancellationToken cancellation)
    {
        _desk.Truncate(0);
        var items = new DeskItem[part.Count];
        for (var i = 0; i < items.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var (item, at) = (part[i], _desk.Length);
            contents.CopyTo(_desk, item.Content.Id, item.Content.Size, item.Packing?.Repacking, item.Start, item.Length);
            items[i] = new DeskItem(0, 0, at, item.Length, item.Start);
        }
        for (var i = 0; i < items.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (part[i].Base is not { } old)
                continue;
            items[i] = items[i] with { OldAt = _desk.Length, OldLength = old.Length };
            contents.CopyTo(_desk, old.File.Entry.Id, old.File.Entry.Size, old.Unpack, old.Start, old.Length);
        }
        return items;
    }

    private IEnumerable<CodedPart> Candidates(DeskItem[] items, long output, long bases, CancellationToken cancellation)
    {
        if (bases > 0)
            yield return Context(items, cancellation);
        if (bases > 0 && bases + output <= WithBaseBytes)
            yield return large.Alone(() => ZstdWithBase(output, bases), cancellation);
        if (output <= TinyBytes)
            yield return Zstd(output);
        else if (bases == 0 && options.PreferSpeed)
            yield return large.Alone(() => Zstd(output), cancellation);
        if (bases == 0 && !options.PreferSpeed)
            yield return large.Alone(() => Xz(output, cancellation), cancellation);
    }

    private CodedPart Context(DeskItem[] items, CancellationToken cancellation)
    {
        _context ??= new ContextCoding(options.PreferSpeed ? CoderProfile.Fast : CoderProfile.Smallest, large);
        var coded = _context.Code(items, _desk, cancellation);
        return new CodedPart(options.PreferSpeed ? PartCodec.ContextFast : PartCodec.ContextSmallest, coded, _context.DecoderBytes);
    }

    private CodedPart ZstdWithBase(long output, long bases)
    {
        using var encoder = new ZstdEncoder(22);
        var (content, old) = (_desk.From(0) with { Length = output }, _desk.From(output) with { Length = bases });
        return new CodedPart(PartCodec.ZstdWithBase, Coded(encoder.EncodeFrame(content.ToArray(), old.ToArray())), bases + output);
    }

    private CodedPart Zstd(long output)
    {
        using var encoder = new ZstdEncoder(ZstdLevel, WindowLog);
        var content = _desk.From(0) with { Length = output };
        // The window and what the library keeps beside it.
        return new CodedPart(PartCodec.Zstd, Coded(encoder.EncodeFrame(content.ToArray())), Math.Min(1L << WindowLog, 1L << ZstdEncoder.WindowLog(output)) + 512 * 1024);
    }

    private CodedPart Xz(long output, CancellationToken cancellation)
    {
        using var content = new RegionStream(_desk.From(0) with { Length = output });
        using var encoder = new XzEncodeStream(content, XzOfParts);
        var start = _desk.Length;
        var buffer = new byte[CopyBytes];
        for (int count; (count = encoder.Read(buffer)) > 0;)
        {
            cancellation.ThrowIfCancellationRequested();
            _desk.Append(buffer.AsSpan(0, count));
        }
        return new CodedPart(PartCodec.Xz, _desk.From(start), XzOfParts.DecoderMemory);
    }

    private ScratchRegion Coded(ReadOnlySpan<byte> bytes)
    {
        var start = _desk.Length;
        _desk.Append(bytes);
        return _desk.From(start);
    }
}
