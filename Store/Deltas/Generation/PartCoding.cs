using System.Collections.Concurrent;
using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas.Coding;
using ContentTree.Store.Deltas.Plans;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>Codes a part in every way that may pay and keeps the smallest.</summary>
internal sealed class PartCoding(SourceContents contents, DeltaOptions options) : IDisposable
{
    // Above this a window over old and new bytes would not fit a device.
    private const long WithBaseBytes = 4 * 1024 * 1024;

    // Below this every match counts and nothing is learned in time: general compressors may win.
    private const long TinyBytes = 256 * 1024;
    private const int WindowLog = 23;
    private const int ZstdLevel = 19;
    private const int XzPreset = 9;

    // 8 MiB, as the format counts them.
    private const int XzDictionaryCode = 22;

    private readonly ConcurrentBag<ContextCoding> _idle = [];

    private static readonly XzParameters XzOfParts = XzParameters.TryCreate(XzPreset, true, XzDictionaryCode, XzCheck.None, false, 0, false, out var parameters)
        ? parameters
        : throw new System.Diagnostics.UnreachableException();

    /// <summary>The smallest form of a part, and what its decoder needs.</summary>
    public CodedPart Code(IReadOnlyList<PartSource> part, CancellationToken cancellation)
    {
        var output = part.Sum(p => p.Length);
        var best = new CodedPart(PartCodec.Raw, Join(part), 0);
        foreach (var candidate in Candidates(part, output, best.Bytes, cancellation))
        {
            cancellation.ThrowIfCancellationRequested();
            if (candidate.Bytes.Length < best.Bytes.Length)
                best = candidate;
        }
        return best;
    }

    public void Dispose()
    {
        foreach (var coding in _idle)
            coding.Dispose();
    }

    private IEnumerable<CodedPart> Candidates(IReadOnlyList<PartSource> part, long output, byte[] joined, CancellationToken cancellation)
    {
        var bases = part.Where(p => p.Base is not null).Sum(p => p.Base!.Length);
        if (bases > 0)
            yield return Context(part, joined, cancellation);
        if (bases > 0 && bases + output <= WithBaseBytes)
            yield return ZstdWithBase(part, joined, bases);
        if (bases == 0 || output <= TinyBytes)
            yield return Zstd(joined);
        if (bases == 0 && !options.PreferSpeed)
            yield return Xz(joined);
    }

    private CodedPart Context(IReadOnlyList<PartSource> part, byte[] joined, CancellationToken cancellation)
    {
        if (!_idle.TryTake(out var coding))
            coding = new ContextCoding(options.PreferSpeed ? CoderProfile.Fast : CoderProfile.Smallest);
        var items = new List<(byte[], ReadOnlyMemory<byte>, long)>(part.Count);
        var at = 0;
        foreach (var item in part)
        {
            items.Add((ReadBase(item), joined.AsMemory(at, (int)item.Length), item.Start));
            at += (int)item.Length;
        }
        var coded = coding.Code(items, cancellation);
        _idle.Add(coding);
        return new CodedPart(options.PreferSpeed ? PartCodec.ContextFast : PartCodec.ContextSmallest, coded, coding.DecoderBytes);
    }

    private CodedPart ZstdWithBase(IReadOnlyList<PartSource> part, byte[] joined, long bases)
    {
        var old = new byte[bases];
        var at = 0;
        foreach (var item in part)
        {
            var bytes = ReadBase(item);
            bytes.CopyTo(old, at);
            at += bytes.Length;
        }
        using var encoder = new ZstdEncoder(22);
        return new CodedPart(PartCodec.ZstdWithBase, encoder.EncodeFrame(joined, old), bases + joined.Length);
    }

    private static CodedPart Zstd(byte[] joined)
    {
        using var encoder = new ZstdEncoder(ZstdLevel, WindowLog);
        // The window and what the library keeps beside it.
        return new CodedPart(PartCodec.Zstd, encoder.EncodeFrame(joined), Math.Min(1L << WindowLog, 1L << ZstdEncoder.WindowLog(joined.Length)) + 512 * 1024);
    }

    private static CodedPart Xz(byte[] joined)
    {
        using var encoder = new XzEncodeStream(new MemoryStream(joined), XzOfParts);
        var coded = new MemoryStream();
        encoder.CopyTo(coded);
        return new CodedPart(PartCodec.Xz, coded.ToArray(), XzOfParts.DecoderMemory);
    }

    private byte[] Join(IReadOnlyList<PartSource> part)
    {
        var joined = GC.AllocateUninitializedArray<byte>((int)part.Sum(p => p.Length));
        var at = 0;
        foreach (var item in part)
        {
            contents.Read(item.Content.Id, item.Content.Size, item.Packing?.Repacking, item.Start, item.Length).CopyTo(joined, at);
            at += (int)item.Length;
        }
        return joined;
    }

    private byte[] ReadBase(PartSource item) => item.Base is { } old
        ? contents.Read(old.File.Entry.Id, old.File.Entry.Size, old.Unpack, old.Start, old.Length)
        : [];
}

/// <summary>A part as it goes into the file.</summary>
/// <param name="Memory">Bytes that decoding takes.</param>
internal sealed record CodedPart(PartCodec Codec, byte[] Bytes, long Memory);
