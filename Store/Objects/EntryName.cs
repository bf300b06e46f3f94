namespace ContentTree.Store.Objects;

/// <summary>A name that is safe below a directory handle: 1 to 255 bytes, not "." or "..", without '/' and NUL.</summary>
/// <remarks>Names are bytes, not text: Linux allows any, and a tree must come back as it was.</remarks>
public readonly struct EntryName : IEquatable<EntryName>, IComparable<EntryName>
{
    /// <summary>The kernel's NAME_MAX.</summary>
    public const int MaxLength = 255;

    private readonly byte[]? _bytes;

    private EntryName(byte[] bytes) => _bytes = bytes;

    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Takes a copy of the bytes; false when no directory could hold such a name.</summary>
    public static bool TryCreate(ReadOnlySpan<byte> bytes, out EntryName name)
    {
        var valid = bytes.Length is > 0 and <= MaxLength && !bytes.SequenceEqual("."u8) && !bytes.SequenceEqual(".."u8) &&
            bytes.IndexOfAny((byte)'/', (byte)0) < 0;
        name = valid ? new EntryName(bytes.ToArray()) : default;
        return valid;
    }

    /// <exception cref="FormatException">No directory could hold such a name.</exception>
    public static EntryName Create(ReadOnlySpan<byte> bytes) => TryCreate(bytes, out var name)
        ? name
        : throw new FormatException($"'{Posix.Display(bytes)}' is not a file name");

    /// <exception cref="FormatException">No directory could hold such a name.</exception>
    public static EntryName Create(string text) => Create(System.Text.Encoding.UTF8.GetBytes(text));

    public int CompareTo(EntryName other) => Bytes.SequenceCompareTo(other.Bytes);

    public bool Equals(EntryName other) => Bytes.SequenceEqual(other.Bytes);

    public override bool Equals(object? obj) => obj is EntryName other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Bytes);
        return hash.ToHashCode();
    }

    /// <summary>For people: bytes that are not UTF-8 show as \xNN.</summary>
    public override string ToString() => Posix.Display(Bytes);

    public static bool operator ==(EntryName left, EntryName right) => left.Equals(right);

    public static bool operator !=(EntryName left, EntryName right) => !left.Equals(right);

    public static bool operator <(EntryName left, EntryName right) => left.CompareTo(right) < 0;

    public static bool operator >(EntryName left, EntryName right) => left.CompareTo(right) > 0;

    public static bool operator <=(EntryName left, EntryName right) => left.CompareTo(right) <= 0;

    public static bool operator >=(EntryName left, EntryName right) => left.CompareTo(right) >= 0;
}
