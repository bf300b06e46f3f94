using System.Buffers;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas;

/// <summary>
/// The file name of a delta, <c>(from)-(to)-(16 hex of its hash).ctd</c>: equal names are equal bytes, wherever they come from.
/// </summary>
/// <param name="From">The commit that it starts from; null is written as <c>none</c>.</param>
/// <param name="To">The commit that it makes.</param>
/// <param name="Hash">The first 16 hex digits of the file's SHA-256.</param>
public readonly record struct DeltaName(ObjectId? From, ObjectId To, string Hash)
{
    private const int HashLength = 16;
    private const string None = "none";
    private const string Suffix = ".ctd";
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    public static DeltaName Of(ObjectId? from, ObjectId to, ObjectId fileHash) => new(from, to, fileHash.ToString()[..HashLength]);

    /// <summary>Reads exactly what <see cref="ToString"/> writes.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out DeltaName name)
    {
        name = default;
        if (!text.EndsWith(Suffix) || text.Length < Suffix.Length + HashLength + 1)
            return false;
        var hash = text[^(Suffix.Length + HashLength)..^Suffix.Length];
        var rest = text[..^(Suffix.Length + HashLength)];
        if (hash.ContainsAnyExcept(HexDigits) || rest is not [.., '-'] || rest.IndexOf('-') is not (> 0 and var dash) || dash == rest.Length - 1)
            return false;
        var from = rest[..dash];
        if (!ObjectId.TryParse(rest[(dash + 1)..^1], out var to))
            return false;
        ObjectId? start = ObjectId.TryParse(from, out var id) ? id : null;
        if (start is null && !from.SequenceEqual(None))
            return false;
        name = new DeltaName(start, to, hash.ToString());
        return true;
    }

    /// <exception cref="FormatException">Not what <see cref="ToString"/> writes.</exception>
    public static DeltaName Parse(string text) => TryParse(text, out var name) ? name : throw new FormatException($"'{text}' is no name of a delta");

    public override string ToString() => $"{From?.ToString() ?? None}-{To}-{Hash}{Suffix}";
}
