using ContentTree.Store.Objects;

namespace ContentTree.Server.Ostree;

/// <summary>How OSTree writes the SHA-256 that names an object: 32 bytes inside others, 64 digits in paths.</summary>
internal static class OstreeChecksum
{
    /// <exception cref="FormatException">It has another length.</exception>
    public static ObjectId Read(GVariant bytes) =>
        bytes.Bytes.Length == ObjectId.Size ? new ObjectId(bytes.Bytes) : throw new FormatException($"has a checksum of {bytes.Bytes.Length} bytes");

    public static GVariantValue Write(ObjectId id)
    {
        Span<byte> bytes = stackalloc byte[ObjectId.Size];
        id.CopyTo(bytes);
        return GVariantValue.ByteArray(bytes);
    }

    /// <summary>Where a repository has the object.</summary>
    /// <param name="suffix">The kind of object, for instance "dirtree".</param>
    public static string PathOf(ObjectId id, string suffix)
    {
        var digits = id.ToString();
        return $"objects/{digits[..2]}/{digits[2..]}.{suffix}";
    }
}
