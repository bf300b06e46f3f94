namespace ContentTree.Store.Deltas.Coding;

/// <summary>Codes bytes, and which bytes of a unit change, in the contexts whose hashes were set.</summary>
internal unsafe interface IByteModel
{
    /// <summary>Hashes of the contexts, most telling first; a narrow profile uses only its share.</summary>
    uint* Contexts { get; }

    void Clear();

    int CodeByte(uint set, int value);

    /// <summary>Flags for <paramref name="count"/> places (at most 4), at least one of them set; the first is the lowest bit.</summary>
    int CodeChanged(uint set, int count, int value);
}
