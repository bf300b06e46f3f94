using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>What a device should run, who says so, and why it does not.</summary>
/// <param name="Action"><c>follow</c>, <c>pin</c> or <c>hold</c>: what it comes to for this device.</param>
/// <param name="Origin">What decided: <c>device</c>, <c>group NAME</c>, <c>branch NAME</c> or <c>rollout N</c>; <c>branch NAME</c> also when nobody said anything.</param>
/// <param name="Why">One sentence on what it runs beside what it should.</param>
/// <param name="By">Who said so; absent when nobody did.</param>
/// <param name="Reason">Why; absent when nobody said.</param>
/// <param name="Until">When that ends by itself; absent for never.</param>
public sealed record DecisionInfo(string Action, string Origin, string Why, string? By = null, string? Reason = null, DateTimeOffset? Until = null);
