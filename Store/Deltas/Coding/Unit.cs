namespace ContentTree.Store.Deltas.Coding;

/// <summary>One to four bytes that change together: a relative address, or what is left up to the next multiple of four.</summary>
/// <param name="Kind">1 for relative addresses, 2 for words, 3 for less.</param>
/// <param name="Old">The four old bytes from its beginning on, also when it is shorter.</param>
internal readonly record struct Unit(int Length, uint Kind, uint Old)
{
    public bool Relative => Kind == 1;

    public uint Mask => uint.MaxValue >> (32 - (8 * Length));
}
