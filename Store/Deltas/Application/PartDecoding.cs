using System.Buffers;
using System.Collections.Concurrent;
using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas.Coding;
using ContentTree.Store.Deltas.Plans;

namespace ContentTree.Store.Deltas.Application;

/// <summary>Decodes parts into sinks, within the memory that the header announced.</summary>
internal sealed class PartDecoding(BaseContents bases, int memoryKiB) : IDisposable
{
    private const int PieceBytes = 64 * 1024;

    // A decoder's tables are megabytes: each thread's next part takes over the last one's.
    private readonly ConcurrentBag<ContextDecoder> _smallest = [];
    private readonly ConcurrentBag<ContextDecoder> _fast = [];

    /// <param name="sinkOf">Where a content goes; null when it is made already.</param>
    /// <param name="finish">Called when an item is written: a part of small files would keep thousands open.</param>
    public void Run(
        DeltaPart part, Stream coded, IReadOnlyList<PartItem> items, Func<int, ContentSink?> sinkOf, Action<int> finish, CancellationToken cancellation)
    {
        if (part.Codec is PartCodec.ContextSmallest or PartCodec.ContextFast)
        {
            RunContext(part, coded, items, sinkOf, finish, cancellation);
            return;
        }
        if (part.Codec == PartCodec.Raw)
        {
            Copy(coded, items, sinkOf, finish, cancellation);
            return;
        }
        using var content = Open(part, coded, items);
        Copy(content, items, sinkOf, finish, cancellation);
    }

    public void Dispose()
    {
        while (_smallest.TryTake(out var decoder) || _fast.TryTake(out decoder))
            decoder.Dispose();
    }

    private void RunContext(
        DeltaPart part, Stream coded, IReadOnlyList<PartItem> items, Func<int, ContentSink?> sinkOf, Action<int> finish, CancellationToken cancellation)
    {
        var profile = part.Codec == PartCodec.ContextSmallest ? CoderProfile.Smallest : CoderProfile.Fast;
        // All parts of a delta have one profile; a hostile one only makes its own decoders.
        var decoders = profile == CoderProfile.Smallest ? _smallest : _fast;
        if (!decoders.TryTake(out var decoder))
            decoder = new ContextDecoder(profile);
        var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            Require(decoder.Bytes);
            decoder.Start(coded);
            foreach (var item in items)
            {
                using var old = bases.Open(item.Base);
                using var target = new SinkStream(sinkOf(item.Content), item.Start, buffer, cancellation);
                decoder.Decode(old.Bytes, item.Length, target, item.Start);
                target.Flush();
                finish(item.Content);
            }
            decoder.Finish();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            decoders.Add(decoder);
        }
    }

    private Stream Open(DeltaPart part, Stream coded, IReadOnlyList<PartItem> items) => part.Codec switch
    {
        PartCodec.Zstd => new ZstdDecodeStream(coded, part.OutputLength, WindowLog()),
        PartCodec.ZstdWithBase => DecodeWithBase(part, coded, items),
        PartCodec.Xz => new XzDecodeStream(coded, part.OutputLength, part.OutputLength, (long)memoryKiB * 1024),
        _ => throw new CorruptDeltaException($"unknown codec {part.Codec}"),
    };

    // Old and new bytes are wholly in memory here, so that no window is.
    private MemoryStream DecodeWithBase(DeltaPart part, Stream coded, IReadOnlyList<PartItem> items)
    {
        var known = items.Sum(i => KnownLength(i.Base));
        Require(known + part.OutputLength);
        using var old = new MemoryStream((int)known);
        var buffer = new byte[PieceBytes];
        foreach (var item in items)
        {
            using var source = bases.Open(item.Base);
            Require(old.Length + source.Bytes.Length + part.OutputLength);
            for (long done = 0; done < source.Bytes.Length;)
            {
                var piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, source.Bytes.Length - done));
                source.Bytes.Read(done, piece);
                old.Write(piece);
                done += piece.Length;
            }
        }
        var content = new byte[part.OutputLength];
        using var decoder = new ZstdDecoder(ZstdDecoder.MaxWindowLog);
        decoder.DecodeFrame(coded, content, old.GetBuffer().AsSpan(0, (int)old.Length));
        return new MemoryStream(content);
    }

    private static long KnownLength(PartBase? old) =>
        Math.Clamp(old?.Length ?? (old is { Unpack: null } ? old.File.Size - old.Start : 0), 0, int.MaxValue);

    private static void Copy(
        Stream content, IReadOnlyList<PartItem> items, Func<int, ContentSink?> sinkOf, Action<int> finish, CancellationToken cancellation)
    {
        var buffer = new byte[PieceBytes];
        foreach (var item in items)
        {
            Copy(content, item, sinkOf(item.Content), buffer, cancellation);
            finish(item.Content);
        }
        if (content.ReadByte() >= 0)
            throw new CorruptDeltaException("holds more than it announces");
    }

    private static void Copy(Stream content, PartItem item, ContentSink? sink, byte[] buffer, CancellationToken cancellation)
    {
        for (long done = 0; done < item.Length;)
        {
            cancellation.ThrowIfCancellationRequested();
            var count = content.Read(buffer, 0, (int)Math.Min(buffer.Length, item.Length - done));
            if (count == 0)
                throw new CorruptDeltaException("ends too early");
            sink?.Write(item.Start + done, buffer.AsSpan(0, count));
            done += count;
        }
    }

    // The header's figure includes a little more than the window.
    private int WindowLog() => Math.Clamp(System.Numerics.BitOperations.Log2((uint)memoryKiB) + 10, ZstdDecoder.MinWindowLog, ZstdDecoder.MaxWindowLog);

    private void Require(long bytes)
    {
        if (bytes > (long)memoryKiB * 1024)
            throw new CorruptDeltaException($"needs {bytes} bytes of memory, more than it announces");
    }
}
