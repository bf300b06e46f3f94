using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>The plan travels as a zstd frame with the old commit's bytes as prefix: the two commits are alike.</summary>
internal static class PlanCoding
{
    private const int MaxLevel = 22;
    private const int MaxWindowLog = 26;

    public static byte[] Encode(ReadOnlySpan<byte> plan, Commit? from)
    {
        using var encoder = new ZstdEncoder(MaxLevel, MaxWindowLog);
        return encoder.EncodeFrame(plan, from?.Encode());
    }

    /// <exception cref="CorruptDeltaException">Not what <see cref="Encode"/> writes.</exception>
    public static byte[] Decode(DeltaPart header, ReadOnlySpan<byte> coded, Commit? from)
    {
        if (header.Codec != PartCodec.ZstdWithBase || header.OutputLength > Application.DeltaApplication.MaxPlanBytes)
            throw new CorruptDeltaException("the plan is coded otherwise or too large");
        var plan = new byte[header.OutputLength];
        try
        {
            using var decoder = new ZstdDecoder(MaxWindowLog);
            decoder.DecodeFrame(coded, plan, from?.Encode());
        }
        catch (FormatException e)
        {
            throw new CorruptDeltaException("plan: " + e.Message, e);
        }
        return plan;
    }
}
