using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>A file content that the delta rebuilds. Its id does not travel: the device computes it.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Counterpart">The old commit's file of the same name in the same or the paired directory.</param>
internal sealed class PlannedContent(long size, TreeEntry.File? counterpart)
{
    public long Size { get; } = size;

    public TreeEntry.File? Counterpart { get; } = counterpart;

    /// <summary>With which owners and modes it occurs, at least one, in order of appearance.</summary>
    public List<Metadata> Variants { get; } = [];

    /// <summary>How it is compressed; null for what travels as it is.</summary>
    public PlannedPacking? Packing { get; set; }

    /// <summary>Bytes that the parts hold of it: unpacked.</summary>
    public long CodedSize => Packing?.UnpackedSize ?? Size;
}
