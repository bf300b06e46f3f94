namespace ContentTree.BootFile;

/// <summary>CRC-32 as in IEEE 802.3, zip and gzip: "123456789" gives cbf43926.</summary>
internal static class Crc32
{
    private const uint ReversedPolynomial = 0xEDB88320;

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        // Half a kilobyte once per boot: a table would be larger than what it saves.
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ ReversedPolynomial : crc >> 1;
        }
        return ~crc;
    }
}
