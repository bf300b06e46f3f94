using System.Buffers;

namespace ContentTree.Store.Trust;

/// <summary>Names a key: the first 16 hex digits of the SHA-256 of its DER SubjectPublicKeyInfo. A device's id is its key's id.</summary>
public readonly record struct KeyId : IComparable<KeyId>
{
    /// <summary>Hex digits in an id.</summary>
    public const int Length = 16;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    private readonly string? _text;

    private KeyId(string text) => _text = text;

    /// <summary>The id of the key with this SubjectPublicKeyInfo.</summary>
    internal static KeyId Of(ReadOnlySpan<byte> subjectPublicKeyInfo) =>
        new(Objects.ObjectId.Of(subjectPublicKeyInfo).ToString()[..Length]);

    /// <summary>Reads 16 lower-case hex digits.</summary>
    public static bool TryParse(string? text, out KeyId id)
    {
        id = default;
        if (text is not { Length: Length } || text.AsSpan().ContainsAnyExcept(HexDigits))
            return false;
        id = new KeyId(text);
        return true;
    }

    /// <exception cref="FormatException">The text is not 16 lower-case hex digits.</exception>
    public static KeyId Parse(string? text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"'{text}' is no key id: 16 lower-case hex digits");

    /// <summary>The order of the texts.</summary>
    public int CompareTo(KeyId other) => string.CompareOrdinal(_text, other._text);

    public static bool operator <(KeyId left, KeyId right) => left.CompareTo(right) < 0;

    public static bool operator >(KeyId left, KeyId right) => left.CompareTo(right) > 0;

    public static bool operator <=(KeyId left, KeyId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(KeyId left, KeyId right) => left.CompareTo(right) >= 0;

    /// <summary>16 lower-case hex digits.</summary>
    public override string ToString() => _text ?? "";
}
