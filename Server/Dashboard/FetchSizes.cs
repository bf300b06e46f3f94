using System.Collections.Concurrent;
using ContentTree.Server.Deltas;
using ContentTree.Server.Fleet;
using ContentTree.Server.Storage;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Dashboard;

/// <summary>What devices would fetch: the delta where one is made, else what the server expects of one.</summary>
internal sealed class FetchSizes(DataDirectory data, DeltaStore deltas)
{
    // For each that was not asked for before two trees are read.
    private const int Shown = 8;

    private const int MaxKnown = 2000;

    private readonly ConcurrentDictionary<(ObjectId? From, ObjectId To), long> _forecasts = [];

    /// <param name="Bytes">For each of the devices; null where the repository lacks what it would be made from.</param>
    /// <param name="IsDelta">Whether it is the size of a delta that is made, and no guess.</param>
    internal sealed record Share(FetchNeed Need, long? Bytes, bool IsDelta);

    /// <param name="Others">Devices that run still other commits.</param>
    internal sealed record Sum(IReadOnlyList<Share> Shares, long Others)
    {
        public long Devices => Shares.Sum(s => s.Need.Devices) + Others;

        public long Bytes => Shares.Sum(s => s.Need.Devices * (s.Bytes ?? 0));
    }

    /// <param name="needs">Those of most devices first.</param>
    public Sum Of(IReadOnlyList<FetchNeed> needs) => new([.. needs.Take(Shown).Select(Of)], needs.Skip(Shown).Sum(n => n.Devices));

    private Share Of(FetchNeed need) => deltas.Find(need.From, need.To) is { } made
        ? new Share(need, made.Bytes, IsDelta: true)
        : new Share(need, Forecast(need.From, need.To), IsDelta: false);

    private long? Forecast(ObjectId? from, ObjectId to)
    {
        if (_forecasts.TryGetValue((from, to), out var known))
            return known;
        try
        {
            var bytes = DeltaForecast.Of(data.Repository, from, to).TransferBytes;
            // Both commits are what they are for ever: it is only room that they take.
            if (_forecasts.Count >= MaxKnown)
                _forecasts.Clear();
            return _forecasts[(from, to)] = bytes;
        }
        catch (Exception e) when (e is ObjectNotFoundException or CorruptObjectException)
        {
            // A commit that was never here, or is gone, is nothing to make a delta from.
            return from is null ? null : Forecast(null, to);
        }
    }
}
