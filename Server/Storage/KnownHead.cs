using ContentTree.Store.Objects;

namespace ContentTree.Server.Storage;

/// <summary>An archived head that was verified once: where it led its branch, and when.</summary>
internal sealed record KnownHead(long Sequence, ObjectId Commit, DateTimeOffset Created);
