using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ContentTree.Store.Objects;

/// <summary>The SHA-256 that names an object: 32 bytes, 64 lower-case hex digits in text.</summary>
public readonly record struct ObjectId : IComparable<ObjectId>
{
    /// <summary>Bytes in an id.</summary>
    public const int Size = 32;

    /// <summary>Hex digits in an id's text.</summary>
    public const int HexSize = 64;

    // Four words compare and hash faster than an array and cannot be changed from outside.
    private readonly ulong _a, _b, _c, _d;

    /// <param name="bytes">Exactly <see cref="Size"/> bytes.</param>
    public ObjectId(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size)
            throw new ArgumentException($"an object id has {Size} bytes, not {bytes.Length}", nameof(bytes));
        _a = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _b = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        _c = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
        _d = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]);
    }

    /// <summary>The id of a file object with this content, or of a tree or commit with this canonical encoding.</summary>
    public static ObjectId Of(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[Size];
        SHA256.HashData(content, hash);
        return new ObjectId(hash);
    }

    /// <summary>Reads 64 lower-case hex digits; upper case is a second spelling and refused.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ObjectId id)
    {
        id = default;
        if (text.Length != HexSize || text.ContainsAnyInRange('A', 'Z'))
            return false;
        Span<byte> bytes = stackalloc byte[Size];
        if (Convert.FromHexString(text, bytes, out _, out _) != System.Buffers.OperationStatus.Done)
            return false;
        id = new ObjectId(bytes);
        return true;
    }

    /// <exception cref="FormatException">The text is not 64 lower-case hex digits.</exception>
    public static ObjectId Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out var id) ? id : throw new FormatException("an object id is 64 lower-case hex digits");

    /// <summary>Writes the 32 bytes to the start of <paramref name="target"/>.</summary>
    public void CopyTo(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt64BigEndian(target, _a);
        BinaryPrimitives.WriteUInt64BigEndian(target[8..], _b);
        BinaryPrimitives.WriteUInt64BigEndian(target[16..], _c);
        BinaryPrimitives.WriteUInt64BigEndian(target[24..], _d);
    }

    /// <summary>The order of the ids' bytes, which is also the order of their texts.</summary>
    public int CompareTo(ObjectId other)
    {
        var order = _a.CompareTo(other._a);
        if (order == 0) order = _b.CompareTo(other._b);
        if (order == 0) order = _c.CompareTo(other._c);
        return order != 0 ? order : _d.CompareTo(other._d);
    }

    public static bool operator <(ObjectId left, ObjectId right) => left.CompareTo(right) < 0;

    public static bool operator >(ObjectId left, ObjectId right) => left.CompareTo(right) > 0;

    public static bool operator <=(ObjectId left, ObjectId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(ObjectId left, ObjectId right) => left.CompareTo(right) >= 0;

    /// <summary>64 lower-case hex digits.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    /// <summary>Writes the 64 hex digits in ASCII to the start of <paramref name="target"/>.</summary>
    internal void WriteHex(Span<byte> target)
    {
        Span<byte> bytes = stackalloc byte[Size];
        Span<char> digits = stackalloc char[HexSize];
        CopyTo(bytes);
        Convert.TryToHexStringLower(bytes, digits, out _);
        System.Text.Encoding.ASCII.GetBytes(digits, target);
    }

    public override int GetHashCode() => _a.GetHashCode();
}
