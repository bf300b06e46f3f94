using ContentTree.Store.Codecs;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>A content, or a slice of one, that the publisher puts into a part.</summary>
/// <param name="Number">Of the content.</param>
/// <param name="Content">The content.</param>
/// <param name="Packing">How it is packed again; null if it is not.</param>
/// <param name="Start">First byte of the (unpacked) content.</param>
/// <param name="Length">Bytes of it.</param>
/// <param name="IsSlice">Not all of it.</param>
/// <param name="Base">What it is coded against; null for nothing.</param>
internal sealed record PartSource(int Number, NewContent Content, PlannedPacking? Packing, long Start, long Length, bool IsSlice, BaseSource? Base);

/// <summary>Old bytes to code against, as the publisher chose them.</summary>
/// <param name="File">The old file.</param>
/// <param name="IsCounterpart">It is the content's counterpart, so its place need not be said.</param>
/// <param name="Unpack">How its compressed content is unpacked first; null for as it is.</param>
/// <param name="Start">First byte used.</param>
/// <param name="Length">Bytes used.</param>
/// <param name="IsRange">Not all of it.</param>
internal sealed record BaseSource(OldFile File, bool IsCounterpart, Repacking? Unpack, long Start, long Length, bool IsRange);
