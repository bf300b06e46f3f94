using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>A content that travels unpacked and is compressed again by the device, as the publisher proved it can be.</summary>
/// <param name="Repacking">How, docs/format/repacking.md.</param>
/// <param name="UnpackedSize">Bytes before compressing.</param>
/// <param name="Check">The first bytes of the object's id: another compressor version is noticed before the end.</param>
internal sealed record PlannedPacking(Repacking Repacking, long UnpackedSize, ulong Check)
{
    /// <summary>The check value of an object.</summary>
    public static ulong CheckOf(ObjectId id)
    {
        Span<byte> bytes = stackalloc byte[ObjectId.Size];
        id.CopyTo(bytes);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }
}
