namespace ContentTree.Server.Fleet.Policies;

/// <summary>A device with what it is to do and how it does.</summary>
/// <param name="Newest">Where its branch is.</param>
/// <param name="Stored">What the database says beside it, from an earlier look.</param>
internal sealed record Seen(FleetDevice Device, Condition Condition, Decision Decision, BranchPoint? Newest, StoredDecision Stored);
