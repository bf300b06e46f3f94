using System.Text;

namespace ContentTree.Tests.Server;

/// <summary>Archives byte by byte, as no tar writes them; checksums are right unless somebody spoils them.</summary>
internal sealed class TarForge
{
    private const int Block = 512;

    private readonly List<byte> _bytes = [];

    /// <summary>A member as ustar has it.</summary>
    public TarForge Add(string name, char type = '0', string content = "", string target = "", string prefix = "", byte[]? size = null, byte[]? owner = null, byte[]? mode = null, byte[]? device = null)
    {
        var block = new byte[Block];
        Put(block, 0, Encoding.Latin1.GetBytes(name));
        Put(block, 100, mode ?? "0000644\0"u8);
        Put(block, 108, owner ?? "0000000\0"u8);
        Put(block, 116, "0000000\0"u8);
        Put(block, 124, size ?? Encoding.ASCII.GetBytes(Convert.ToString(content.Length, 8).PadLeft(11, '0') + "\0"));
        Put(block, 136, "00000000000\0"u8);
        block[156] = (byte)type;
        Put(block, 157, Encoding.Latin1.GetBytes(target));
        Put(block, 257, "ustar\0"u8);
        Put(block, 263, "00"u8);
        Put(block, 329, device ?? "0000010\0"u8);
        Put(block, 337, "0000001\0"u8);
        Put(block, 345, Encoding.Latin1.GetBytes(prefix));
        Put(block, 148, Encoding.ASCII.GetBytes(Convert.ToString(block.Sum(b => b) + 8 * ' ', 8).PadLeft(6, '0') + "\0 "));
        _bytes.AddRange(block);
        _bytes.AddRange(Encoding.Latin1.GetBytes(content));
        _bytes.AddRange(new byte[(Block - content.Length % Block) % Block]);
        return this;
    }

    /// <summary>A PAX header for the member behind it, or for all ('g').</summary>
    public TarForge Pax(string key, string value, char type = 'x') => Add("pax", type, Record(key, value));

    /// <summary>A long name or target as GNU has it.</summary>
    public TarForge Long(string text, char type = 'L') => Add("././@LongLink", type, text + "\0");

    public byte[] End() => [.. _bytes, .. new byte[2 * Block]];

    /// <summary>The archive without its end, as far as it goes.</summary>
    public byte[] Cut(int bytes) => [.. _bytes.Take(bytes)];

    public static string Record(string key, string value)
    {
        var length = key.Length + value.Length + 3;
        while ($"{length}".Length + key.Length + value.Length + 3 != length)
            length++;
        return $"{length} {key}={value}\n";
    }

    /// <summary>A number as GNU writes large and negative ones.</summary>
    public static byte[] Binary(long number, int bytes)
    {
        var field = new byte[bytes];
        for (var at = bytes - 1; at >= 0; at--, number >>= 8)
            field[at] = (byte)number;
        field[0] |= 0x80;
        return field;
    }

    private static void Put(byte[] block, int at, ReadOnlySpan<byte> field) => field.CopyTo(block.AsSpan(at));
}
