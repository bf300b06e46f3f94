using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>Asks for memory before it is needed: most of a decoder's time would go into waiting for its tables.</summary>
internal static unsafe class CacheLine
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(void* address)
    {
        // .NET offers no prefetch on ARM; there the processor's own must do.
        if (Sse.IsSupported)
            Sse.Prefetch0(address);
    }
}
