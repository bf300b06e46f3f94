namespace ContentTree.Deploy.Transfer;

/// <summary>The bytes that one request is to bring, and how far it has come.</summary>
internal sealed class RangeUnit(ByteRange range, int generation)
{
    public ByteRange Range { get; } = range;

    /// <summary>Which start of the file it belongs to.</summary>
    public int Generation { get; set; } = generation;

    /// <summary>The source sends the whole file instead.</summary>
    public bool IsPlain { get; set; }

    /// <summary>Where the next byte goes.</summary>
    public long Position { get; set; } = range.From;

    /// <summary>It brought a byte that was not here.</summary>
    public bool HasMoved { get; set; }
}
