namespace ContentTree.Store.Deltas;

/// <summary>One part of a delta as its header announces it.</summary>
/// <param name="Codec">How it is coded.</param>
/// <param name="Offset">Where its bytes begin in the file.</param>
/// <param name="CodedLength">How many they are.</param>
/// <param name="OutputLength">Bytes of (unpacked) content they make.</param>
/// <param name="Checksum">The first 8 bytes of the SHA-256 of the coded bytes.</param>
public sealed record DeltaPart(PartCodec Codec, long Offset, long CodedLength, long OutputLength, ulong Checksum);
