using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas;

/// <summary>
/// The start of a delta: between which commits it leads, and what follows in the file. The checksums catch damage early; what proves
/// a delta right is the signed commit's root tree at its end (docs/format/delta.md).
/// </summary>
/// <param name="From">The commit that must be complete in the store; null for none.</param>
/// <param name="To">The commit that the delta makes.</param>
/// <param name="MemoryKiB">The most that decoding one part takes, tables and windows.</param>
/// <param name="Plan">The coded plan.</param>
/// <param name="Parts">The parts, in the order in which they follow the plan.</param>
public sealed record DeltaHeader(ObjectId? From, ObjectId To, int MemoryKiB, DeltaPart Plan, IReadOnlyList<DeltaPart> Parts)
{
    /// <summary>Bytes that tell how long the header is.</summary>
    public const int PrefixBytes = 8;

    /// <summary>Longest header that is read.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>Most parts.</summary>
    public const int MaxParts = 64 * 1024;

    /// <summary>Most memory that a header may announce; a device's own limit is far below.</summary>
    public const int MaxMemoryKiB = 1024 * 1024;

    private const int ChecksumBytes = 8;

    private static ReadOnlySpan<byte> Magic => "CTD1"u8;

    /// <summary>Bytes of the whole file.</summary>
    public long FileLength => Parts.Count > 0 ? Parts[^1].Offset + Parts[^1].CodedLength : Plan.Offset + Plan.CodedLength;

    /// <summary>The header's length, from its first <see cref="PrefixBytes"/> bytes.</summary>
    /// <exception cref="CorruptDeltaException">No delta begins like this.</exception>
    public static int LengthOf(ReadOnlySpan<byte> prefix)
    {
        if (prefix.Length < PrefixBytes || !prefix.StartsWith(Magic))
            throw new CorruptDeltaException("not a delta: wrong magic");
        var length = BinaryPrimitives.ReadUInt32LittleEndian(prefix[4..]);
        return length is >= PrefixBytes + ChecksumBytes and <= MaxBytes ? (int)length : throw new CorruptDeltaException($"a header of {length} bytes");
    }

    /// <param name="header">Exactly the header's bytes.</param>
    /// <exception cref="CorruptDeltaException">They are damaged or not a header.</exception>
    public static DeltaHeader Decode(ReadOnlySpan<byte> header)
    {
        if (LengthOf(header) != header.Length)
            throw new CorruptDeltaException("the header is not whole");
        if (Checksum(header[..^ChecksumBytes]) != BinaryPrimitives.ReadUInt64LittleEndian(header[^ChecksumBytes..]))
            throw new CorruptDeltaException("the header is damaged");
        try
        {
            return Read(new TreeReader(header[PrefixBytes..^ChecksumBytes]), header.Length);
        }
        catch (FormatException e) when (e is not CorruptDeltaException)
        {
            throw new CorruptDeltaException("header: " + e.Message, e);
        }
    }

    public byte[] Encode()
    {
        var body = new ArrayBufferWriter<byte>();
        var writer = new TreeWriter(body);
        writer.WriteByte((byte)(From is null ? 0 : 1));
        if (From is { } from)
            writer.WriteId(from);
        writer.WriteId(To);
        writer.WriteNumber((ulong)MemoryKiB);
        Write(writer, Plan);
        writer.WriteNumber((ulong)Parts.Count);
        foreach (var part in Parts)
            Write(writer, part);
        var header = new byte[PrefixBytes + body.WrittenCount + ChecksumBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), (uint)header.Length);
        body.WrittenSpan.CopyTo(header.AsSpan(PrefixBytes));
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(header.Length - ChecksumBytes), Checksum(header.AsSpan(0, header.Length - ChecksumBytes)));
        return header;
    }

    /// <summary>The first 8 bytes of the SHA-256, little-endian.</summary>
    public static ulong Checksum(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }

    private static DeltaHeader Read(TreeReader reader, int headerLength)
    {
        ObjectId? from = reader.ReadNumber(1, "from") == 1 ? new ObjectId(reader.Take(ObjectId.Size)) : null;
        var to = new ObjectId(reader.Take(ObjectId.Size));
        var memory = (int)reader.ReadNumber(MaxMemoryKiB, "memory");
        var plan = ReadPart(ref reader, headerLength);
        if (plan.CodedLength > Application.DeltaApplication.MaxPlanBytes)
            throw new CorruptDeltaException($"a plan of {plan.CodedLength} bytes");
        var count = (int)reader.ReadNumber((ulong)Math.Min(MaxParts, reader.Remaining), "count of parts");
        var parts = new List<DeltaPart>(count);
        for (var offset = plan.Offset + plan.CodedLength; parts.Count < count; offset += parts[^1].CodedLength)
            parts.Add(ReadPart(ref reader, offset));
        return reader.Remaining == 0 ? new DeltaHeader(from, to, memory, plan, parts) : throw new CorruptDeltaException("bytes after the end of the header");
    }

    private static DeltaPart ReadPart(ref TreeReader reader, long offset)
    {
        var codec = (PartCodec)reader.ReadNumber((ulong)PartCodec.ContextFast, "codec");
        // Together they stay a number that a file may be long.
        var coded = (long)reader.ReadNumber(1UL << 42, "coded length");
        var output = (long)reader.ReadNumber(1UL << 42, "output length");
        return new DeltaPart(codec, offset, coded, output, BinaryPrimitives.ReadUInt64LittleEndian(reader.Take(ChecksumBytes)));
    }

    private static void Write(TreeWriter writer, DeltaPart part)
    {
        writer.WriteNumber((ulong)part.Codec);
        writer.WriteNumber((ulong)part.CodedLength);
        writer.WriteNumber((ulong)part.OutputLength);
        writer.WriteFixed64(part.Checksum);
    }
}
