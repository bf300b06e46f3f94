using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>Decides for every new content what it is coded against and whether it travels unpacked.</summary>
internal sealed class ContentSources(SourceContents contents, BasePairing pairing, LikeContents like, DeltaOptions options)
{
    // Packing again takes a device seconds for every 10 MB.
    private const long MaxPackedBytes = 64L * 1024 * 1024;

    /// <returns>The sources, and what finding them took.</returns>
    public (IReadOnlyList<PartSource> Sources, TimeSpan Cpu) Choose(IReadOnlyList<NewContent> news, CancellationToken cancellation)
    {
        var sources = new PartSource[news.Count];
        var cpu = WorkThreads.Run(options, [.. Enumerable.Range(0, news.Count)], next =>
        {
            while (next() is { } i)
                sources[i] = Choose(i, news[i]);
        }, cancellation);
        return (sources, cpu);
    }

    private PartSource Choose(int number, NewContent content)
    {
        var packing = options.Repack && content.Size <= MaxPackedBytes ? contents.FindPacking(content.Id, content.Size) : null;
        var found = pairing.Find(content);
        // What is packed looks like nothing else.
        if (found is null && packing is null && like.Find(content) is { } file)
            found = (file, false);
        var length = packing?.UnpackedSize ?? content.Size;
        return new PartSource(number, content, packing, 0, length, false, found is { } pair ? Base(pair.File, pair.IsCounterpart, packing?.Repacking) : null);
    }

    // Unpacked against unpacked: where the base cannot be, its packed bytes are no use either.
    private BaseSource? Base(OldFile file, bool isCounterpart, Repacking? unpack)
    {
        if (unpack is null)
            return new BaseSource(file, isCounterpart, null, 0, file.Entry.Size, false);
        return contents.UnpackedSize(file.Entry.Id, file.Entry.Size, unpack) is > 0 and { } size ? new BaseSource(file, isCounterpart, unpack, 0, size, false) : null;
    }
}
