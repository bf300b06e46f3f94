using ContentTree.Store.Objects;
using ContentTree.Store.Packs;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Fetches many objects with few requests (docs/format/pack.md). What a cut left out is asked for again; a server that has no packs, or
/// sends damaged ones, is not asked for more: whatever did not arrive then comes one by one.
/// </summary>
internal sealed class PackDownload(Device device, Sources sources, TransferCounters counters)
{
    // The request itself takes 33 bytes for each, and is sent again after a cut.
    private const int MaxObjects = 2048;

    private const int Strikes = 2;

    private bool _isUseless;
    private int _damaged;

    /// <exception cref="ServerUnreachableException">The server does not answer any more.</exception>
    public async Task RunAsync(IReadOnlyList<ObjectName> wanted, IPackSink sink, CancellationToken cancellation)
    {
        if (_isUseless || wanted.Count == 0 || sources.IsOffline)
            return;
        using var key = device.ReadKey();
        var api = new DeviceApi(sources.Server.Connection, key.Signing, device.Clock);
        var failures = 0;
        for (var settled = 0; settled < wanted.Count && !_isUseless;)
        {
            var request = new PackRequest([.. wanted.Skip(settled).Take(MaxObjects)], sink.Held(settled));
            var progress = new Progress(sink, settled);
            if (await TryAsync(api, request, progress, cancellation).ConfigureAwait(false) is { } failure)
                await RestAsync(failure, failures = progress.HasMoved ? 1 : failures + 1, cancellation).ConfigureAwait(false);
            settled = progress.Next;
            Heap.Tidy();
        }
    }

    // The failure is one of the network, after which the rest is worth asking for.
    private async Task<ServerUnreachableException?> TryAsync(DeviceApi api, PackRequest request, Progress progress, CancellationToken cancellation)
    {
        var begun = device.Clock.GetTimestamp();
        try
        {
            await StreamAsync(api, request, progress, cancellation).ConfigureAwait(false);
            return null;
        }
        catch (ProblemException)
        {
            _isUseless = true;
            return null;
        }
        catch (CorruptPackException)
        {
            _isUseless = ++_damaged >= Strikes;
            return null;
        }
        catch (ServerUnreachableException e)
        {
            sources.Server.Failed(begun, e.RetryAfter);
            return e;
        }
    }

    private async Task StreamAsync(DeviceApi api, PackRequest request, Progress progress, CancellationToken cancellation)
    {
        using var response = await api.OpenPackAsync(sources.Server, request, cancellation).ConfigureAwait(false);
        if (response is null)
        {
            _isUseless = true;
            return;
        }
        using var reader = new PackReader(request.Objects.Count, progress);
        await sources.Server.ReadAsync(response, piece =>
        {
            counters.Received(piece.Length);
            reader.Feed(piece.Span);
        }, cancellation).ConfigureAwait(false);
        if (!reader.HasEnded)
            throw new ServerUnreachableException($"{sources.Server.Name}: a pack ended too early");
        sources.Server.Moved();
    }

    private async Task RestAsync(ServerUnreachableException failure, int failures, CancellationToken cancellation)
    {
        if (failures >= sources.Attempts || failure.RetryAfter > Backoff.LongestAsked)
            throw failure;
        counters.Resumed();
        await sources.PickAsync(_ => false, cancellation).ConfigureAwait(false);
    }

    /// <summary>Moves the places of one request to those of all, and knows how far it came.</summary>
    private sealed class Progress(IPackSink sink, int first) : IPackTarget
    {
        private int _settled;

        /// <summary>The first object that is still to come.</summary>
        public int Next => first + _settled;

        public bool HasMoved { get; private set; }

        public void Begin(int index, long length) => sink.Begin(first + index, length);

        public void Write(ReadOnlySpan<byte> content)
        {
            HasMoved = true;
            sink.Write(content);
        }

        public void Complete(int index)
        {
            sink.Complete(first + index);
            _settled++;
        }

        public void Missing(int index)
        {
            sink.Missing(first + index);
            _settled++;
        }
    }
}
