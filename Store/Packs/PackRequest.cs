using System.Buffers.Binary;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Packs;

/// <summary>What a device wants in one stream, in the order in which it wants it. Layout: docs/format/pack.md.</summary>
/// <param name="Objects">1 to <see cref="MaxObjects"/>.</param>
/// <param name="Offset">Bytes of the first object that are there already.</param>
public sealed record PackRequest(IReadOnlyList<ObjectName> Objects, long Offset = 0)
{
    /// <summary>Objects in one request, at most; more are asked for in several.</summary>
    public const int MaxObjects = 4096;

    /// <summary>The longest encoded request.</summary>
    public const int MaxBytes = HeadBytes + MaxObjects * ObjectBytes;

    private const int HeadBytes = PackFormat.MagicBytes + 8;
    private const int ObjectBytes = 1 + ObjectId.Size;

    /// <exception cref="FormatException">Not a request.</exception>
    public static PackRequest Decode(ReadOnlySpan<byte> body)
    {
        if (body.Length < HeadBytes || !body.StartsWith(PackFormat.RequestMagic))
            throw new FormatException("no pack request");
        var offset = BinaryPrimitives.ReadInt64LittleEndian(body[PackFormat.MagicBytes..]);
        var (count, rest) = Math.DivRem(body.Length - HeadBytes, ObjectBytes);
        if (rest != 0 || count is 0 or > MaxObjects || offset < 0)
            throw new FormatException($"a pack request holds 1 to {MaxObjects} whole objects and no negative offset");
        var objects = new ObjectName[count];
        for (var i = 0; i < count; i++)
            objects[i] = DecodeName(body.Slice(HeadBytes + i * ObjectBytes, ObjectBytes));
        return new PackRequest(objects, offset);
    }

    public byte[] Encode()
    {
        ArgumentOutOfRangeException.ThrowIfZero(Objects.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Objects.Count, MaxObjects);
        var body = new byte[HeadBytes + Objects.Count * ObjectBytes];
        PackFormat.RequestMagic.CopyTo(body);
        BinaryPrimitives.WriteInt64LittleEndian(body.AsSpan(PackFormat.MagicBytes), Offset);
        for (var i = 0; i < Objects.Count; i++)
        {
            var target = body.AsSpan(HeadBytes + i * ObjectBytes, ObjectBytes);
            target[0] = (byte)Objects[i].Kind;
            Objects[i].Id.CopyTo(target[1..]);
        }
        return body;
    }

    private static ObjectName DecodeName(ReadOnlySpan<byte> bytes) => bytes[0] <= (byte)ObjectKind.Commit
        ? new ObjectName((ObjectKind)bytes[0], new ObjectId(bytes[1..]))
        : throw new FormatException($"{bytes[0]} is no kind of object");
}
