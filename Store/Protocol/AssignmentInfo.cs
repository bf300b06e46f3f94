using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>What a device was told, as operators see it.</summary>
/// <param name="Action"><c>follow</c>, <c>hold</c> or <c>pin</c>.</param>
/// <param name="Counter">Its number; of one device it only rises.</param>
/// <param name="Expires">When it ends.</param>
/// <param name="Commit">The commit of a pin.</param>
/// <param name="Reason">Why; absent when nobody said.</param>
/// <param name="Taken">The device has it.</param>
public sealed record AssignmentInfo(
    string Action, long Counter, DateTimeOffset Expires, ObjectId? Commit = null, string? Reason = null, bool? Taken = null);
