using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace ContentTree.Server.Publishing.Sources.Tar;

/// <summary>
/// A POSIX access list as tar has it, in words, made into the attribute that Linux keeps (posix_acl_xattr.h: version 2, then for each entry
/// a tag, permissions and an id, little-endian).
/// </summary>
internal static class AccessList
{
    /// <summary>Bytes of a list for owner, group and others only.</summary>
    public const int BaseLength = 4 + 3 * EntryLength;

    private const uint Version = 2;
    private const int EntryLength = 8;

    /// <summary>"user::rw-,user:1234:r--,mask::r--": entries apart by commas or lines; star adds the number behind a name.</summary>
    /// <exception cref="FormatException">It is none, or names somebody without a number.</exception>
    public static byte[] Encode(byte[] text)
    {
        var entries = Encoding.UTF8.GetString(text).Split([',', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(entry => entry.Split('#')[0].TrimEnd()).Where(entry => entry.Length > 0).Select(Entry)
            .OrderBy(e => e.Tag).ThenBy(e => e.Id).ToArray();
        var encoded = new byte[4 + entries.Length * EntryLength];
        BinaryPrimitives.WriteUInt32LittleEndian(encoded, Version);
        for (var i = 0; i < entries.Length; i++)
        {
            var at = encoded.AsSpan(4 + i * EntryLength);
            BinaryPrimitives.WriteUInt16LittleEndian(at, entries[i].Tag);
            BinaryPrimitives.WriteUInt16LittleEndian(at[2..], entries[i].Permissions);
            BinaryPrimitives.WriteUInt32LittleEndian(at[4..], entries[i].Id);
        }
        return encoded;
    }

    private static (ushort Tag, ushort Permissions, uint Id) Entry(string entry)
    {
        if (entry.Split(':') is not ([_, _, _] or [_, _, _, _]) || entry.Split(':') is not [var kind, var who, var allowed, ..] || allowed.Length < 3)
            throw new FormatException($"has an access list with '{entry}', which is no entry of one");
        var isNamed = who.Length > 0;
        ushort tag = (kind, isNamed) switch
        {
            ("user" or "u", false) => 0x01,
            ("user" or "u", true) => 0x02,
            ("group" or "g", false) => 0x04,
            ("group" or "g", true) => 0x08,
            ("mask" or "m", false) => 0x10,
            ("other" or "o", false) => 0x20,
            _ => throw new FormatException($"has an access list with '{entry}', which is no entry of one"),
        };
        var permissions = (allowed[0] == 'r' ? 4 : 0) | (allowed[1] == 'w' ? 2 : 0) | (allowed[2] == 'x' ? 1 : 0);
        return (tag, (ushort)permissions, isNamed ? IdOf(entry) : uint.MaxValue);
    }

    private static uint IdOf(string entry)
    {
        var fields = entry.Split(':');
        foreach (var field in fields is [_, _, _, var number] ? [number, fields[1]] : new[] { fields[1] })
        {
            if (uint.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                return id;
        }
        throw new FormatException($"has an access list that names '{fields[1]}' without a number; make the archive with --numeric-owner");
    }
}
