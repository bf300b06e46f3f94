namespace ContentTree.Store.Deltas.Coding;

/// <summary>One to four bytes that change together: a relative address, or what is left up to the next multiple of four.</summary>
/// <param name="Old">The four old bytes from its beginning on, also when it is shorter.</param>
internal readonly record struct Unit(int Length, bool Relative, uint Old)
{
    public uint Mask => Length == 4 ? uint.MaxValue : (1u << (8 * Length)) - 1;

    /// <summary>1 for relative addresses, 2 for words, 3 for less.</summary>
    public uint Kind => Relative ? 1u : Length == 4 ? 2u : 3u;
}
