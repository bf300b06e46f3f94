using System.Buffers.Binary;
using System.Text.Unicode;

namespace ContentTree.Server.Ostree;

/// <summary>
/// A value in the serialisation that GLib calls GVariant, of a type that is known beforehand. Nothing is copied, and every offset in the
/// bytes is checked when it is used. Numbers are big-endian, as OSTree puts them.
/// </summary>
/// <remarks>Of GLib's types only those that OSTree has: <c>y u t s v</c>, arrays, tuples and dictionary entries of which at least one member varies in length.</remarks>
internal readonly ref struct GVariant
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly ReadOnlySpan<char> _type;

    /// <param name="type">Such as "(uuua(ayay))"; of this program, never out of a file.</param>
    public GVariant(ReadOnlySpan<byte> bytes, ReadOnlySpan<char> type)
    {
        _bytes = bytes;
        _type = type;
    }

    /// <summary>The value as it stands.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <exception cref="FormatException">These bytes are no such number.</exception>
    public uint Number32 => _bytes.Length == sizeof(uint) ? BinaryPrimitives.ReadUInt32BigEndian(_bytes) : throw Bad();

    /// <exception cref="FormatException">These bytes are no such number.</exception>
    public ulong Number64 => _bytes.Length == sizeof(ulong) ? BinaryPrimitives.ReadUInt64BigEndian(_bytes) : throw Bad();

    /// <summary>A string's UTF-8, without the NUL at its end.</summary>
    /// <exception cref="FormatException">It has none, or a second one, or is not UTF-8.</exception>
    public ReadOnlySpan<byte> Text => _bytes.IndexOf((byte)0) is >= 0 and var end && end == _bytes.Length - 1 && Utf8.IsValid(_bytes)
        ? _bytes[..end]
        : throw Bad();

    /// <summary>How many items an array of items of varying length has.</summary>
    public int Count => _bytes.IsEmpty ? 0 : Offsets(LastOffset(_bytes.Length)) / OffsetSize;

    /// <summary>An item of an array, or a member of a tuple.</summary>
    /// <exception cref="FormatException">The offsets lead elsewhere.</exception>
    public GVariant this[int index] => _type[0] == 'a' ? Element(index) : Member(index);

    /// <summary>What a variant holds, if that is of the wanted type.</summary>
    public bool TryUnwrap(ReadOnlySpan<char> type, out GVariant value)
    {
        var end = _bytes.LastIndexOf((byte)0);
        value = end < 0 ? default : new GVariant(_bytes[..end], type);
        return end >= 0 && System.Text.Ascii.Equals(_bytes[(end + 1)..], type);
    }

    // The length of the whole says how many bytes an offset takes.
    private int OffsetSize => _bytes.Length switch
    {
        <= byte.MaxValue => sizeof(byte),
        <= ushort.MaxValue => sizeof(ushort),
        _ => sizeof(uint),
    };

    private GVariant Element(int index)
    {
        var count = Count;
        if ((uint)index >= (uint)count)
            throw Bad();
        var table = LastOffset(_bytes.Length);
        var size = OffsetSize;
        var type = _type[1..];
        var start = index == 0 ? 0 : Aligned(ReadOffset(table + (index - 1) * size), GVariantType.Alignment(type));
        return Slice(start, ReadOffset(table + index * size), table, type);
    }

    private GVariant Member(int index)
    {
        var members = _type[1..^1];
        var limit = _bytes.Length - GVariantType.OffsetsOf(members) * OffsetSize;
        var (at, offset) = (0, _bytes.Length);
        for (var i = 0; !members.IsEmpty; i++)
        {
            var type = members[..GVariantType.Length(members)];
            members = members[type.Length..];
            var start = Aligned(at, GVariantType.Alignment(type));
            at = GVariantType.FixedSize(type) is > 0 and var size ? start + size
                : members.IsEmpty ? limit
                : ReadOffset(offset -= OffsetSize);
            if (i == index)
                return Slice(start, at, limit, type);
        }
        throw Bad();
    }

    private GVariant Slice(int start, int end, int limit, ReadOnlySpan<char> type) =>
        start <= end && end <= limit ? new GVariant(_bytes[start..end], type) : throw Bad();

    // Of an array: the last offset, which is the end of the last item, is where the table of offsets begins.
    private int LastOffset(int end) => ReadOffset(end - OffsetSize);

    private int Offsets(int table)
    {
        var length = _bytes.Length - table;
        return table >= 0 && length > 0 && length % OffsetSize == 0 ? length : throw Bad();
    }

    private int ReadOffset(int at)
    {
        var size = OffsetSize;
        if (at < 0 || at > _bytes.Length - size)
            throw Bad();
        var value = size switch
        {
            sizeof(byte) => _bytes[at],
            sizeof(ushort) => BinaryPrimitives.ReadUInt16LittleEndian(_bytes[at..]),
            _ => BinaryPrimitives.ReadUInt32LittleEndian(_bytes[at..]),
        };
        return value <= _bytes.Length ? (int)value : throw Bad();
    }

    private static int Aligned(int at, int alignment) => (at + alignment - 1) & -alignment;

    private FormatException Bad() => new($"is no GVariant of type {_type}");
}
