namespace ContentTree.Store.Deltas.Coding;

/// <summary>
/// Probabilities as logarithms of their odds, in 1/256, and back. The tables come from integer multiplications alone, so
/// every machine has the same ones.
/// </summary>
internal static unsafe class LogOdds
{
    /// <summary>Log-odds lie from -Limit to Limit - 1; that is 12 natural units.</summary>
    public const int Limit = 3072;

    /// <summary>Entries of the table that <see cref="FillStretch"/> makes: one for every four values of a slot.</summary>
    public const int StretchEntries = 1 << 14;

    private const uint Decay = 0xFF007FD5;
    private const int Certain = 4;

    // How much a slot is believed that has seen 0 to 7 decisions, in 1/64.
    private static ReadOnlySpan<byte> Confidence => [0, 32, 45, 51, 56, 60, 63, 64];

    /// <summary>Probability of a 1 in 1/65536 for the log-odds -Limit to Limit - 1.</summary>
    public static void FillSquash(ushort* table)
    {
        var decays = Decays();
        for (var x = 0; x < Limit; x++)
        {
            var one = Math.Min((1UL << 48) / ((1UL << 32) + decays[x]), 65536 - Certain);
            table[Limit + x] = (ushort)one;
            if (x > 0)
                table[Limit - x] = (ushort)(65536 - one);
        }
        table[0] = Certain;
    }

    /// <summary>Log-odds for a slot's top 14 bits: three of its count, eleven of its probability.</summary>
    public static void FillStretch(short* table)
    {
        var decays = Decays();
        for (var count = 0; count < 8; count++)
            for (var p = 0; p < 1 << 11; p++)
                table[(count << 11) | p] = (short)(Stretch(decays, p) * Confidence[count] / 64);
    }

    // The largest x with e^-x >= (1 - p) / p, where p is the middle of its interval; mirrored below one half.
    private static int Stretch(ulong[] decays, int p)
    {
        if (p < 1 << 10)
            return -Stretch(decays, (1 << 11) - 1 - p);
        var (one, zero) = ((ulong)(2 * p) + 1, (ulong)((1 << 12) - (2 * p) - 1));
        var x = 0;
        while (decays[x + 1] * one >= zero << 32)
            x++;
        return x;
    }

    // e^(-x / 256) in 2^-32.
    private static ulong[] Decays()
    {
        var decays = new ulong[Limit];
        decays[0] = 1UL << 32;
        for (var x = 1; x < Limit; x++)
            decays[x] = (decays[x - 1] * Decay) >> 32;
        return decays;
    }
}
