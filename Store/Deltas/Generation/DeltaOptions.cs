namespace ContentTree.Store.Deltas.Generation;

/// <summary>The publisher's policy for deltas.</summary>
public sealed record DeltaOptions
{
    /// <summary>Half the decoding time for a tenth more bytes.</summary>
    public bool PreferSpeed { get; init; }

    /// <summary>Unpack compressed contents where packing them again is proved to give the same bytes.</summary>
    public bool Repack { get; init; } = true;

    /// <summary>Bytes of content in a part.</summary>
    public int PartBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Parts made at the same time.</summary>
    public int Workers { get; init; } = 2;

    /// <summary>Everything else on the machine goes first.</summary>
    public bool InBackground { get; init; }
}
