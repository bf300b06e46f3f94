using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;

namespace ContentTree.Tests.Deltas;

/// <summary>A delta with its parts in codecs that the publisher did not choose: a device takes them all.</summary>
internal static class RecodedDelta
{
    private const int MemoryKiB = 16 * 1024;

    /// <param name="codecOf">The codec of a part; null leaves it.</param>
    public static byte[] Make(DeltaWorkshop workshop, byte[] delta, Func<int, PartCodec?> codecOf)
    {
        var ids = IdsOf(workshop, delta);
        var header = DeltaHeader.Decode(delta.AsSpan(0, DeltaHeader.LengthOf(delta)));
        var from = header.From is { } id ? workshop.Store.ReadCommit(id) : null;
        var forge = new DeltaForge(delta, from);
        var plan = PlanDecoder.Decode(forge.Plan, header.To, workshop.Store.ReadTree, from?.Tree);
        var parts = header.Parts.ToArray();
        for (var i = 0; i < parts.Length; i++)
        {
            if (codecOf(i) is not { } codec)
                continue;
            var joined = plan.Parts[i].SelectMany(item => Slice(Content(workshop.Store, plan.Contents[item.Content], ids[item.Content]), item.Start, item.Length));
            var old = plan.Parts[i].SelectMany(item => item.Base is { } b ? Slice(Base(workshop.Store, b), b.Start, b.Length) : []);
            forge.Parts[i] = Encode(codec, [.. joined], [.. old]);
            parts[i] = parts[i] with { Codec = codec };
        }
        forge.Header = header with { Parts = parts, MemoryKiB = Math.Max(MemoryKiB, header.MemoryKiB) };
        return forge.Build();
    }

    private static Dictionary<int, ObjectId> IdsOf(DeltaWorkshop workshop, byte[] delta)
    {
        var ids = new Dictionary<int, ObjectId>();
        using var pull = workshop.Store.BeginPull();
        using var application = workshop.Open(pull, delta);
        application.OnContent = ids.Add;
        for (var part = 0; part < application.Header.Parts.Count; part++)
            application.Apply(part, DeltaWorkshop.PartOf(delta, application.Header.Parts[part]));
        application.Complete();
        return ids;
    }

    private static byte[] Encode(PartCodec codec, byte[] joined, byte[] old)
    {
        using var zstd = new ZstdEncoder(19, 20);
        XzParameters.TryCreate(6, false, 4, XzCheck.None, false, 0, false, out var parameters).Should().BeTrue();
        return codec switch
        {
            PartCodec.Raw => joined,
            PartCodec.Zstd => zstd.EncodeFrame(joined),
            PartCodec.ZstdWithBase => zstd.EncodeFrame(joined, old),
            PartCodec.Xz => ReadAll(new XzEncodeStream(new MemoryStream(joined), parameters)),
            _ => throw new ArgumentOutOfRangeException(nameof(codec)),
        };
    }

    private static byte[] Content(LocalStore store, PlannedContent content, ObjectId id) =>
        Read(store, new StoredFile(id, content.Variants[0].Digest()), content.Packing?.Repacking);

    private static byte[] Base(LocalStore store, PartBase old) => Read(store, new StoredFile(old.File.Id, old.File.Metadata.Digest()), old.Unpack);

    private static byte[] Read(LocalStore store, StoredFile name, Repacking? unpack)
    {
        using var file = new FileStream(store.OpenFile(name), FileAccess.Read);
        return ReadAll(unpack is null ? file : unpack.Unpack(file, int.MaxValue));
    }

    private static byte[] Slice(byte[] bytes, long start, long? length) => bytes.AsSpan((int)start, (int)(length ?? bytes.Length - start)).ToArray();

    private static byte[] ReadAll(Stream stream)
    {
        var all = new MemoryStream();
        using (stream)
            stream.CopyTo(all);
        return all.ToArray();
    }
}
