namespace ContentTree.Store.Deltas;

/// <summary>Signed numbers as unsigned ones, small for small distances from zero: 0, -1, 1, -2, ...</summary>
internal static class ZigZag
{
    public static ulong Encode(long value) => (ulong)(value << 1) ^ (ulong)(value >> 63);

    public static long Decode(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);
}
