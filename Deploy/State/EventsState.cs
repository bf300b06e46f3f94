using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.State;

/// <summary>What happened here. <c>state/events.json</c>.</summary>
/// <param name="Last">The number of the newest event ever.</param>
/// <param name="Events">What the server has not got yet, oldest first, at most <see cref="MaxEvents"/>.</param>
/// <param name="Delivered">What it has, at most <see cref="MaxDelivered"/>: for "log".</param>
internal sealed record EventsState(long Last, IReadOnlyList<ReportEvent> Events, IReadOnlyList<ReportEvent>? Delivered = null)
{
    private const int MaxEvents = 500;
    private const int MaxDelivered = 100;

    public string Schema { get; init; } = "ctree.events/1";

    /// <summary>With one more; the oldest go when nobody fetches them.</summary>
    public EventsState With(ReportEvent happened) =>
        this with { Last = Last + 1, Events = [.. Events.Append(happened with { Sequence = Last + 1 }).TakeLast(MaxEvents)] };

    /// <summary>The server has all up to that number.</summary>
    public EventsState After(long received) => this with
    {
        Events = [.. Events.Where(e => e.Sequence > received)],
        Delivered = [.. (Delivered ?? []).Concat(Events.Where(e => e.Sequence <= received)).TakeLast(MaxDelivered)],
    };
}
