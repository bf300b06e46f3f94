namespace ContentTree.Deploy.State;

/// <summary>How far the store was read through. <c>state/scrub.json</c>.</summary>
/// <param name="Next">The directory of objects that is read next, 0 to 255.</param>
/// <param name="Time">When the last one was.</param>
/// <param name="Passes">How often all were.</param>
/// <param name="Damaged">Objects that were found damaged and are not mended yet.</param>
internal sealed record ScrubState(int Next = 0, DateTimeOffset Time = default, long Passes = 0, IReadOnlyList<string>? Damaged = null)
{
    public string Schema { get; init; } = "ctree.scrub/1";
}
