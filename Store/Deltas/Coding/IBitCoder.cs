namespace ContentTree.Store.Deltas.Coding;

/// <summary>Codes binary decisions: the encoder writes the given one, the decoder ignores it and reads.</summary>
internal interface IBitCoder
{
    static abstract bool Decodes { get; }

    /// <param name="bit">0 or 1; ignored by a decoder.</param>
    /// <param name="probability">Of a 1, in 1/65536; 1 to 65535.</param>
    int Code(int bit, int probability);

    /// <summary>A byte with nothing known about it.</summary>
    int CodeEven(int value);

    /// <summary>One of sixteen symbols.</summary>
    /// <param name="cumulative">17 numbers at a cache line that rise from 0 to 32768: how likely the symbols below each are.</param>
    unsafe int CodeSymbol(int value, ushort* cumulative);
}
