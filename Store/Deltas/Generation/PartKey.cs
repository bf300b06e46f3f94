using System.Buffers;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>What a coded part depends on: the same bases, targets and policy give the same bytes.</summary>
internal static class PartKey
{
    // Rises when the coders write other bytes for the same input.
    private const byte CodingVersion = 2;

    public static ObjectId Of(IReadOnlyList<PartSource> part, DeltaOptions options)
    {
        var bytes = new ArrayBufferWriter<byte>();
        var writer = new TreeWriter(bytes);
        writer.WriteByte(CodingVersion);
        writer.WriteByte((byte)(options.PreferSpeed ? 1 : 0));
        foreach (var item in part)
        {
            writer.WriteId(item.Content.Id);
            writer.WriteByte((byte)((item.Packing is null ? 0 : 1) | (item.Base is null ? 0 : 2) | (item.Base is { Unpack: not null } ? 4 : 0)));
            writer.WriteNumber((ulong)item.Start);
            writer.WriteNumber((ulong)item.Length);
            if (item.Base is not { } old)
                continue;
            writer.WriteId(old.File.Entry.Id);
            writer.WriteNumber((ulong)old.Start);
            writer.WriteNumber((ulong)old.Length);
        }
        return ObjectId.Of(bytes.WrittenSpan);
    }
}
