using System.Buffers;
using System.Text;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Local;

/// <summary>
/// The inode of one content with one set of metadata: what deployments link. Both are in its name, so the same content
/// with another owner is another file.
/// </summary>
/// <param name="Content">SHA-256 of the bytes.</param>
/// <param name="MetadataDigest"><see cref="Metadata.Digest"/>: 32 hex digits.</param>
public readonly record struct StoredFile(ObjectId Content, string MetadataDigest)
{
    internal const int NameLength = ObjectId.HexSize + 1 + DigestLength + 5;
    internal const int FanoutDigits = 2;
    private const int DigestLength = 32;
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    /// <summary>The flat name, <c>(64 hex).(32 hex).file</c>; inside its fan-out directory without the first two digits.</summary>
    public byte[] FlatName
    {
        get
        {
            var name = new byte[NameLength];
            WriteFlatName(name);
            return name;
        }
    }

    /// <summary>The name of a content that has not come to its end.</summary>
    internal byte[] PartName => [.. FlatName, .. ".part"u8];

    internal ReadOnlySpan<byte> FanoutName => FlatName.AsSpan(FanoutDigits);

    /// <param name="name"><see cref="NameLength"/> bytes; inside the fan-out directory without the first <see cref="FanoutDigits"/>.</param>
    internal void WriteFlatName(Span<byte> name)
    {
        Content.WriteHex(name);
        name[ObjectId.HexSize] = (byte)'.';
        Encoding.ASCII.GetBytes(MetadataDigest, name[(ObjectId.HexSize + 1)..]);
        ".file"u8.CopyTo(name[^5..]);
    }

    /// <summary>Reads a flat name; false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<byte> name, out StoredFile file)
    {
        file = default;
        if (name.Length != NameLength || !name.EndsWith(".file"u8) || name[ObjectId.HexSize] != '.')
            return false;
        var text = Encoding.ASCII.GetString(name);
        var digest = text.Substring(ObjectId.HexSize + 1, DigestLength);
        if (!ObjectId.TryParse(text.AsSpan(0, ObjectId.HexSize), out var id) || digest.AsSpan().ContainsAnyExcept(HexDigits))
            return false;
        file = new StoredFile(id, digest);
        return true;
    }

    public override string ToString() => $"{Content}.{MetadataDigest}.file";
}
