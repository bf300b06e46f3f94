using ContentTree.Store.Local;

namespace ContentTree.Deploy.Transfer;

/// <summary>The order in which contents are asked for: what is likely to be alike comes together, which makes packs smaller.</summary>
internal static class PackOrder
{
    private const byte Dot = (byte)'.';

    public static IReadOnlyList<WantedContent> Of(IEnumerable<WantedContent> contents, StorePull pull)
    {
        var ordered = contents.ToList();
        ordered.Sort(Compare);
        // A request names how much is here of its first object only.
        if (ordered.FindIndex(c => c.Size >= ContentPack.LargeBytes && pull.HasPart(c.Id, c.Missing[0])) is var part and > 0)
        {
            ordered.Insert(0, ordered[part]);
            ordered.RemoveAt(part + 1);
        }
        return ordered;
    }

    private static int Compare(WantedContent left, WantedContent right)
    {
        ReadOnlySpan<byte> a = left.FileName.Bytes, b = right.FileName.Bytes;
        var order = Extension(a).SequenceCompareTo(Extension(b));
        if (order == 0)
            order = a.SequenceCompareTo(b);
        return order != 0 ? order : left.Rank.CompareTo(right.Rank);
    }

    // "so" also of libz.so.1.3.
    private static ReadOnlySpan<byte> Extension(ReadOnlySpan<byte> name)
    {
        while (name.LastIndexOf(Dot) is var dot and > 0)
        {
            if (name[(dot + 1)..].ContainsAnyExceptInRange((byte)'0', (byte)'9'))
                return name[(dot + 1)..];
            name = name[..dot];
        }
        return [];
    }
}
