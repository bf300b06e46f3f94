using System.Buffers.Binary;
using System.Text;

namespace ContentTree.Server.Ostree;

/// <summary>Writes what <see cref="GVariant"/> reads: each value is made of those inside it.</summary>
/// <param name="Bytes">The serialised value.</param>
/// <param name="Alignment">At a multiple of what it begins.</param>
/// <param name="IsFixed">Whether all values of its type are as long.</param>
internal sealed record GVariantValue(byte[] Bytes, int Alignment, bool IsFixed)
{
    public static GVariantValue Number(uint number)
    {
        var bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new GVariantValue(bytes, sizeof(uint), true);
    }

    public static GVariantValue Number(ulong number)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, number);
        return new GVariantValue(bytes, sizeof(ulong), true);
    }

    public static GVariantValue Text(ReadOnlySpan<byte> utf8) => new([.. utf8, 0], 1, false);

    public static GVariantValue Text(string text) => Text(Encoding.UTF8.GetBytes(text));

    /// <summary>An array of bytes.</summary>
    public static GVariantValue ByteArray(ReadOnlySpan<byte> bytes) => new(bytes.ToArray(), 1, false);

    /// <summary>A value with its type behind it.</summary>
    public static GVariantValue Variant(string type, GVariantValue value) => new([.. value.Bytes, 0, .. Encoding.ASCII.GetBytes(type)], 8, false);

    /// <summary>Also a dictionary's entry.</summary>
    public static GVariantValue Tuple(params ReadOnlySpan<GVariantValue> members)
    {
        var body = new MemoryStream();
        var ends = new List<int>();
        var alignment = 1;
        for (var i = 0; i < members.Length; i++)
        {
            Append(body, members[i]);
            alignment = Math.Max(alignment, members[i].Alignment);
            if (!members[i].IsFixed && i < members.Length - 1)
                ends.Add((int)body.Length);
        }
        // A tuple's offsets stand the wrong way round.
        ends.Reverse();
        return new GVariantValue(WithOffsets(body, ends), alignment, false);
    }

    /// <summary>An array of items whose length varies.</summary>
    /// <param name="alignment">Of the items' type, which an empty array has too.</param>
    public static GVariantValue Array(int alignment, IEnumerable<GVariantValue> items)
    {
        var body = new MemoryStream();
        var ends = new List<int>();
        foreach (var item in items)
        {
            Append(body, item);
            ends.Add((int)body.Length);
        }
        return new GVariantValue(WithOffsets(body, ends), alignment, false);
    }

    private static void Append(MemoryStream body, GVariantValue value)
    {
        while (body.Length % value.Alignment != 0)
            body.WriteByte(0);
        body.Write(value.Bytes);
    }

    private static byte[] WithOffsets(MemoryStream body, List<int> ends)
    {
        var size = body.Length + ends.Count <= byte.MaxValue ? sizeof(byte)
            : body.Length + ends.Count * (long)sizeof(ushort) <= ushort.MaxValue ? sizeof(ushort)
            : sizeof(uint);
        Span<byte> offset = stackalloc byte[sizeof(uint)];
        foreach (var end in ends)
        {
            BinaryPrimitives.WriteInt32LittleEndian(offset, end);
            body.Write(offset[..size]);
        }
        return body.ToArray();
    }
}
