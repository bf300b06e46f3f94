namespace ContentTree.Store.Deltas.Generation;

/// <summary>A part as it goes into the file.</summary>
/// <param name="Memory">Bytes that decoding takes.</param>
internal sealed record CodedPart(PartCodec Codec, ScratchRegion Bytes, long Memory);
