using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.State;

/// <summary>What happened here and the server has not got yet. <c>state/events.json</c>.</summary>
/// <param name="Last">The number of the newest event ever.</param>
/// <param name="Events">Oldest first, at most <see cref="MaxEvents"/>.</param>
internal sealed record EventsState(long Last, IReadOnlyList<ReportEvent> Events)
{
    private const int MaxEvents = 500;

    public string Schema { get; init; } = "ctree.events/1";

    /// <summary>With one more; the oldest go when nobody fetches them.</summary>
    public EventsState With(ReportEvent happened) =>
        this with { Last = Last + 1, Events = [.. Events.Append(happened with { Sequence = Last + 1 }).TakeLast(MaxEvents)] };

    /// <summary>Without those that the server has.</summary>
    public EventsState After(long received) => this with { Events = [.. Events.Where(e => e.Sequence > received)] };
}
