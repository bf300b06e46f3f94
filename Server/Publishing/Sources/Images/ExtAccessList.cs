using System.Buffers.Binary;

namespace ContentTree.Server.Publishing.Sources.Images;

/// <summary>An access list as ext writes it, made what getxattr(2) gives: there each entry has a number, here only those for one user or group.</summary>
internal static class ExtAccessList
{
    private const uint StoredVersion = 1;
    private const uint Version = 2;
    private const ushort User = 0x02;
    private const ushort Group = 0x08;

    /// <exception cref="FormatException">It is none.</exception>
    public static byte[] Decode(ReadOnlySpan<byte> stored)
    {
        if (stored.Length < sizeof(uint) || BinaryPrimitives.ReadUInt32LittleEndian(stored) != StoredVersion)
            throw new FormatException("has an access list that cannot be read");
        var list = new List<byte>([(byte)Version, 0, 0, 0]);
        for (var rest = stored[sizeof(uint)..]; rest.Length > 0;)
        {
            var length = rest.Length >= 2 && BinaryPrimitives.ReadUInt16LittleEndian(rest) is User or Group ? 8 : 4;
            if (rest.Length < length)
                throw new FormatException("has an access list that cannot be read");
            list.AddRange(rest[..4]);
            list.AddRange(length == 8 ? rest[4..8] : [0xff, 0xff, 0xff, 0xff]);
            rest = rest[length..];
        }
        return [.. list];
    }
}
