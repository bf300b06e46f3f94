using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>
/// A row for one of sixteen symbols: slot i is the share of those below i, in 1/32768. The first slot holds the check and, in its
/// lower four bits, how many symbols were seen.
/// </summary>
internal readonly unsafe struct SymbolRow : IRow
{
    /// <summary>Counts end here.</summary>
    public const int MaxSeen = 15;

    public static ushort Nobody => 0;

    public static ushort CheckMask => 0xFFF0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Seen(ushort* row) => row[0] & MaxSeen;

    public static void Reset(ushort* row, ushort check)
    {
        Vector128.Create(check, 2048, 4096, 6144, 8192, 10240, 12288, 14336).StoreAligned(row);
        Vector128.Create((ushort)16384, 18432, 20480, 22528, 24576, 26624, 28672, 30720).StoreAligned(row + 8);
    }
}
