namespace ContentTree.Store.Codecs;

/// <summary>What an .xz stream carries to find damage, by its number in the format.</summary>
internal enum XzCheck
{
    None = 0,
    Crc32 = 1,
    Crc64 = 4,
    Sha256 = 10,
}
