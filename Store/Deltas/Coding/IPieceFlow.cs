namespace ContentTree.Store.Deltas.Coding;

/// <summary>Where an encoder takes operations and new bytes from, or where a decoder puts new bytes.</summary>
internal interface IPieceFlow
{
    /// <summary>Bytes of the new file, or of the slice of it.</summary>
    long Length { get; }

    MatchOperation Next();

    void Read(Span<byte> target);

    void Write(ReadOnlySpan<byte> bytes);
}
