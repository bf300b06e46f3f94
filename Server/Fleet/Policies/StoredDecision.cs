using ContentTree.Store.Objects;

namespace ContentTree.Server.Fleet.Policies;

/// <summary>What stands in the database beside a device, for lists, filters and counts.</summary>
internal sealed record StoredDecision(ObjectId? Target, string? Sync, string? Health, long? Rollout, int? Wave);
