using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>Reads which part holds which content, and proves that every content is there once, whole and in order.</summary>
internal sealed class PartsDecoder(OldTrees old, IReadOnlyList<PlannedContent> contents)
{
    private const ulong MaxBaseBytes = 1UL << 42;

    // How far each content has come.
    private readonly long[] _done = new long[contents.Count];

    // The content whose slices are being counted: they follow one another, so that few are open at once.
    private int? _sliced;

    public IReadOnlyList<IReadOnlyList<PartItem>> Read(ref TreeReader reader)
    {
        var parts = new List<IReadOnlyList<PartItem>>();
        var count = reader.ReadNumber(DeltaHeader.MaxParts, "count of parts");
        for (ulong i = 0; i < count; i++)
            parts.Add(ReadPart(ref reader));
        for (var i = 0; i < contents.Count; i++)
        {
            if (_done[i] != contents[i].CodedSize)
                throw new CorruptDeltaException($"content {i} is not whole");
        }
        return parts;
    }

    private List<PartItem> ReadPart(ref TreeReader reader)
    {
        var count = reader.ReadNumber((ulong)reader.Remaining, "count of contents in a part");
        var items = new List<PartItem>();
        var next = 0L;
        for (ulong i = 0; i < count; i++)
        {
            var item = ReadItem(ref reader, next);
            next = item.Content + 1;
            items.Add(item);
            if (_sliced is { } sliced && (count > 1 || sliced != item.Content))
                throw new CorruptDeltaException($"content {sliced} is cut by something else");
            if (_done[item.Content] == contents[item.Content].CodedSize)
                _sliced = null;
        }
        return items.Count > 0 ? items : throw new CorruptDeltaException("a part holds nothing");
    }

    private PartItem ReadItem(ref TreeReader reader, long next)
    {
        var content = next + ZigZag.Decode(reader.ReadNumber(uint.MaxValue, "content"));
        if (content < 0 || content >= contents.Count)
            throw new CorruptDeltaException("a part holds a content that is not there");
        var planned = contents[(int)content];
        var flags = reader.Take(1)[0];
        if ((flags & ~PlanFormat.KnownFlags) != 0)
            throw new CorruptDeltaException($"unknown flags {flags}");
        var left = planned.CodedSize - _done[content];
        var isSlice = (flags & PlanFormat.IsSlice) != 0;
        var length = isSlice ? (long)reader.ReadNumber((ulong)left, "length of a slice") : left;
        if (length == 0 || isSlice == (length == planned.CodedSize))
            throw new CorruptDeltaException($"content {content} is there twice, empty, or a slice that is all of it");
        if (isSlice)
            _sliced ??= (int)content;
        var item = new PartItem((int)content, _done[content], length, ReadBase(ref reader, flags, planned));
        _done[content] += length;
        return item;
    }

    private PartBase? ReadBase(ref TreeReader reader, byte flags, PlannedContent planned)
    {
        var file = (flags & PlanFormat.BaseMask) switch
        {
            PlanFormat.CounterpartBase => planned.Counterpart ?? throw new CorruptDeltaException("a content is coded against a counterpart that it has not got"),
            PlanFormat.NoBase => null,
            PlanFormat.PlaceBase => old.Find(PlanDecoder.ReadPlace(ref reader)) as TreeEntry.File ?? throw new CorruptDeltaException("a content is coded against what is no file"),
            _ => throw new CorruptDeltaException("unknown kind of base"),
        };
        if (file is null)
            return flags is PlanFormat.NoBase or (PlanFormat.NoBase | PlanFormat.IsSlice) ? null : throw new CorruptDeltaException("part of a base that is not there");
        var unpack = (flags & PlanFormat.UnpackBase) == 0 ? null : planned.Packing?.Repacking ?? throw new CorruptDeltaException("a base is unpacked for a content that is not");
        if ((flags & PlanFormat.RangeOfBase) == 0)
            return new PartBase(file, unpack, 0, null);
        var start = (long)reader.ReadNumber(MaxBaseBytes, "start of a base");
        return new PartBase(file, unpack, start, (long)reader.ReadNumber(MaxBaseBytes, "length of a base"));
    }
}
