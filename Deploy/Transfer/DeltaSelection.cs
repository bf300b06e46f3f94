using System.Text.Json;
using ContentTree.Store.Deltas;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Transfer;

/// <summary>Finds the smallest delta that leads from what is complete here to a commit.</summary>
internal sealed class DeltaSelection(LocalStore store, RepositoryClient repository)
{
    private const int MaxListBytes = 1024 * 1024;

    /// <summary>The delta, or null when the server has none that is of use.</summary>
    /// <exception cref="ServerUnreachableException">Nobody answers.</exception>
    public async Task<(DeltaName Name, long Bytes)?> FindAsync(ObjectId to, CancellationToken cancellation)
    {
        if (await repository.TryGetFileAsync(Routes.DeltasTo(to), MaxListBytes, cancellation).ConfigureAwait(false) is not { } json)
            return null;
        (DeltaName Name, long Bytes)? best = null;
        foreach (var offer in Read(json))
        {
            if (DeltaName.TryParse(offer.Name, out var name) && name.To == to && offer.Bytes > 0 && (best is null || offer.Bytes < best.Value.Bytes) &&
                (name.From is not { } from || store.ContainsCommit(from)))
                best = (name, offer.Bytes);
        }
        return best;
    }

    // A list that cannot be read costs bytes, nothing else: what is wanted can be had object by object.
    private static IReadOnlyList<DeltaOffer> Read(byte[] json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, ProtocolJson.Default.DeltaList)?.Deltas ?? [];
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
