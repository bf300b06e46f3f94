using System.Buffers;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>Writes what follows the trees in a plan: which contents are packed again, and what each part holds.</summary>
internal static class PlanEncoder
{
    public static void WriteCommit(IBufferWriter<byte> output, ReadOnlySpan<byte> commit) => new TreeWriter(output).WriteBytes(commit);

    /// <param name="packings">By number of the content, rising.</param>
    public static void WritePackings(IBufferWriter<byte> output, IReadOnlyList<(int Content, PlannedPacking Packing)> packings)
    {
        var writer = new TreeWriter(output);
        writer.WriteNumber((ulong)packings.Count);
        var next = 0;
        foreach (var (content, packing) in packings)
        {
            writer.WriteNumber((ulong)(content - next));
            next = content + 1;
            writer.WriteBytes(packing.Repacking.Encode());
            writer.WriteNumber((ulong)packing.UnpackedSize);
            writer.WriteFixed64(packing.Check);
        }
    }

    public static void WriteParts(IBufferWriter<byte> output, IReadOnlyList<IReadOnlyList<PartSource>> parts)
    {
        var writer = new TreeWriter(output);
        writer.WriteNumber((ulong)parts.Count);
        foreach (var part in parts)
        {
            writer.WriteNumber((ulong)part.Count);
            var next = 0L;
            foreach (var item in part)
            {
                WriteItem(writer, item, next);
                next = item.Number + 1;
            }
        }
    }

    private static void WriteItem(TreeWriter writer, PartSource item, long next)
    {
        writer.WriteNumber(ZigZag.Encode(item.Number - next));
        var flags = item.Base is null ? PlanFormat.NoBase : item.Base.IsCounterpart ? PlanFormat.CounterpartBase : PlanFormat.PlaceBase;
        if (item.IsSlice)
            flags |= PlanFormat.IsSlice;
        if (item.Base is { Unpack: not null })
            flags |= PlanFormat.UnpackBase;
        if (item.Base is { IsRange: true })
            flags |= PlanFormat.RangeOfBase;
        writer.WriteByte(flags);
        if (item.IsSlice)
            writer.WriteNumber((ulong)item.Length);
        if (item.Base is not { } old)
            return;
        if (!old.IsCounterpart)
            TreeEdits.WritePlace(writer, old.File.Place);
        if (old.IsRange)
        {
            writer.WriteNumber((ulong)old.Start);
            writer.WriteNumber((ulong)old.Length);
        }
    }
}
