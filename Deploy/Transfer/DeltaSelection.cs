using System.Text.Json;
using ContentTree.Store.Deltas;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Transfer;

/// <summary>Finds the smallest delta that leads from what is complete here to a commit.</summary>
internal sealed class DeltaSelection(Device device, RepositoryClient repository)
{
    private const int MaxListBytes = 1024 * 1024;

    /// <summary>The delta, or null when no source has one that is of use.</summary>
    public async Task<(DeltaName Name, long Bytes)?> FindAsync(ObjectId to, CancellationToken cancellation)
    {
        if (repository.Sources.Offered is { } offered && Best([offered], to) is { } named)
            return named;
        foreach (var source in repository.Sources.All)
        {
            if (await TryReadAsync(source, to, cancellation).ConfigureAwait(false) is { } best)
                return best;
        }
        return await TryAskAsync(to, cancellation).ConfigureAwait(false);
    }

    // The server makes it for those who come later, and this device takes its objects otherwise; or it has it after all.
    private async Task<(DeltaName Name, long Bytes)?> TryAskAsync(ObjectId to, CancellationToken cancellation)
    {
        using var key = device.ReadKey();
        try
        {
            var api = new DeviceApi(repository.Sources.Server.Connection, key.Signing, device.Clock);
            return await api.DeltaAsync(new DeltaRequest(to, Newest()), cancellation).ConfigureAwait(false) is { } offer ? Best([offer], to) : null;
        }
        catch (Exception e) when (e is ProblemException or ServerUnreachableException)
        {
            return null;
        }
    }

    private ObjectId? Newest() => device.State.Deployments.Deployments.Select(d => (ObjectId?)d.Commit).LastOrDefault(c => device.Store.ContainsCommit(c!.Value));

    // A source that fails here fails again where it matters, and is dealt with there.
    private async Task<(DeltaName Name, long Bytes)?> TryReadAsync(Source source, ObjectId to, CancellationToken cancellation)
    {
        try
        {
            var json = await RepositoryClient.TryGetFileAsync(source, Routes.DeltasTo(to), MaxListBytes, cancellation).ConfigureAwait(false);
            return json is null ? null : Best(Read(json), to);
        }
        catch (ServerUnreachableException)
        {
            return null;
        }
    }

    private (DeltaName Name, long Bytes)? Best(IReadOnlyList<DeltaOffer> offers, ObjectId to)
    {
        (DeltaName Name, long Bytes)? best = null;
        var room = device.Store.FreeSpace().Bytes;
        // From nothing everything comes again: where an older commit is, its objects are most of the new one.
        var isFirst = Newest() is null;
        foreach (var offer in offers)
        {
            if (DeltaName.TryParse(offer.Name, out var name) && name.To == to && offer.Bytes > 0 && offer.Bytes <= room && (best is null || offer.Bytes < best.Value.Bytes) &&
                (name.From is { } from ? device.Store.ContainsCommit(from) : isFirst))
                best = (name, offer.Bytes);
        }
        return best;
    }

    // A list that cannot be read costs bytes, nothing else: what is wanted can be had object by object.
    private static IReadOnlyList<DeltaOffer> Read(byte[] json)
    {
        try
        {
            return ProtocolMessage.Parse(json, ProtocolJson.Default.DeltaList).Deltas;
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
