using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Storage;

/// <summary>What an accepted device needs of the repository, as it said last.</summary>
/// <param name="Device">Who.</param>
/// <param name="Name">The name it gave.</param>
/// <param name="LastSeen">When it last polled, or enrolled.</param>
/// <param name="Running">The commit it runs.</param>
/// <param name="Wanted">The commit it will boot.</param>
/// <param name="Pinned">The commit that it was told to run, also when it has not heard of that yet.</param>
/// <param name="Others">The first digits of other commits it has deployed.</param>
internal sealed record DeviceNeed(
    KeyId Device, string Name, DateTimeOffset LastSeen, ObjectId? Running, ObjectId? Wanted, ObjectId? Pinned, IReadOnlyList<string> Others);
