using System.Runtime.CompilerServices;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>Mixes the parts of a context into 32 bits, of which the upper ones choose a place in a table.</summary>
internal static class Hash
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Of(uint a, uint b)
    {
        var x = (a * 0x2545F491) ^ ((b + 0x7F4A7C15) * 0x9E3779B1);
        x ^= x >> 16;
        return x * 0xC2B2AE35;
    }

    /// <summary>The second half of a byte: the context continued by the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Continue(uint hash, uint node) => (hash + (node * 0x9E3779B1)) * 0x85EBCA77;
}
