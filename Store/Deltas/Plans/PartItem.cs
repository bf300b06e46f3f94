using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>A content, or a slice of a large one, that a part holds.</summary>
/// <param name="Content">Counts <see cref="DeltaPlan.Contents"/>.</param>
/// <param name="Start">First byte of the (unpacked) content.</param>
/// <param name="Length">Bytes of it.</param>
/// <param name="Base">What it is coded against; null for nothing.</param>
internal sealed record PartItem(int Content, long Start, long Length, PartBase? Base);

/// <summary>Old bytes that a part's item is coded against.</summary>
/// <param name="File">A file of the old commit.</param>
/// <param name="Unpack">How its compressed content is unpacked first; null for as it is.</param>
/// <param name="Start">First byte used of the (unpacked) file.</param>
/// <param name="Length">Bytes used; null for all from there.</param>
internal sealed record PartBase(TreeEntry.File File, Repacking? Unpack, long Start, long? Length);
