using ContentTree.Store.Local;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Transfer;

/// <summary>A content that the store lacks in one or more metadata variants. It crosses the network once at most.</summary>
/// <param name="Id">SHA-256 of the bytes.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Present">A variant that the store has, so that nothing needs to be fetched.</param>
/// <param name="Missing">The variants to be made.</param>
internal sealed record WantedContent(ObjectId Id, long Size, StoredFile? Present, IReadOnlyList<Metadata> Missing)
{
    /// <summary>What the files with it are called, of which contents that are alike often tell.</summary>
    public EntryName FileName { get; init; }

    /// <summary>Its place in a walk through the trees.</summary>
    public int Rank { get; init; }

    public ObjectName Name => new(ObjectKind.File, Id);
}
