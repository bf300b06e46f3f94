using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>What a commit says, in short; the object itself is in the repository.</summary>
/// <param name="Id">Its hash.</param>
/// <param name="Tree">Its root.</param>
/// <param name="Parents">The commits before it.</param>
/// <param name="Created">When it was made.</param>
/// <param name="Entries">What is in the tree.</param>
/// <param name="Bytes">Of its files.</param>
/// <param name="Version">As the publisher said.</param>
/// <param name="Subject">As the publisher said.</param>
/// <param name="Url">Where its source is.</param>
/// <param name="Revision">What it is there.</param>
/// <param name="Architecture">Of its programs.</param>
public sealed record CommitInfo(
    ObjectId Id, ObjectId Tree, IReadOnlyList<ObjectId> Parents, DateTimeOffset Created, long Entries, long Bytes,
    string? Version = null, string? Subject = null, string? Url = null, string? Revision = null, string? Architecture = null);
