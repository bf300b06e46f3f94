using System.Collections.Concurrent;
using ContentTree.Server.Privacy;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Packs;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Endpoints;

/// <summary>
/// Many objects in one answer, for a device that no delta serves. Streamed frame by frame; what cannot be served now is refused, because
/// a device can always take single objects.
/// </summary>
internal sealed class PackEndpoints(DataDirectory data, DeviceAccess access, ReadAccess reading, ServerOptions options, ILogger log) : IDisposable
{
    private const string MediaType = "application/vnd.ctree.pack";
    private const int MaxPerDevice = 4;
    private const int FetchedTogether = 8;
    private const int FetchedAhead = 256;
    private static readonly TimeSpan FetchPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _packs = new(options.MaxPacks);
    private readonly ConcurrentDictionary<KeyId, int> _perDevice = new();

    // Compressing leaves a processor to the polls, where there is another one.
    private readonly SemaphoreSlim _compressing = new(Math.Max(1, Environment.ProcessorCount - 1));

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost(Routes.Packs, SendAsync);

    public void Dispose()
    {
        _packs.Dispose();
        _compressing.Dispose();
    }

    private async Task SendAsync(HttpContext context)
    {
        var body = await context.ReadBodyAsync(BodyLimits.Packs);
        var device = access.RequireAccepted(context, body);
        var request = PackRequest.Decode(body);
        reading.RequireObjects(device, request.Objects);
        if (_perDevice.AddOrUpdate(device, 1, (_, count) => count + 1) > MaxPerDevice)
        {
            Leave(device);
            throw new ProblemException(ProblemCode.Unavailable, $"more than {MaxPerDevice} packs for one device at a time", retryAfter: Patience);
        }
        try
        {
            if (!_packs.Wait(0))
                throw new ProblemException(ProblemCode.Unavailable, "too many packs are being sent", retryAfter: Patience);
            using var _ = new Held(_packs);
            await StreamAsync(context, request);
        }
        finally
        {
            Leave(device);
        }
    }

    private async Task StreamAsync(HttpContext context, PackRequest request)
    {
        using var pack = new PackWriter(data.Repository, request, data.Repository.Bucket is null ? null : data.Repository.IsAtHand);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var fetching = FetchAheadAsync(request, pack, ending.Token);
        context.Response.ContentType = MediaType;
        try
        {
            for (var frame = await NextAsync(pack, context.RequestAborted); !frame.IsEmpty; frame = await NextAsync(pack, context.RequestAborted))
                await context.Response.Body.WriteAsync(frame, context.RequestAborted);
        }
        catch (CorruptObjectException e) when (context.Response.HasStarted)
        {
            // The length of the object was told already: only an end that is none says that it does not come.
            Log.PackCut(log, e);
            context.Abort();
        }
        finally
        {
            await ending.CancelAsync();
            await fetching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Out of a bucket one after the other would take its answering time for each. What fails here fails again where it is needed.
    private async Task FetchAheadAsync(PackRequest request, PackWriter pack, CancellationToken cancellation)
    {
        if (data.Repository.Bucket is null)
            return;
        var options = new ParallelOptions { MaxDegreeOfParallelism = FetchedTogether, CancellationToken = cancellation };
        await Parallel.ForEachAsync(request.Objects.Index(), options, async (wanted, stop) =>
        {
            while (wanted.Index > pack.Begun + FetchedAhead)
                await Task.Delay(FetchPause, stop);
            if (data.Repository.IsInBucket(wanted.Item))
                (await data.Repository.OpenStoredAsync(wanted.Item, stop)).Dispose();
        });
    }

    private async Task<ReadOnlyMemory<byte>> NextAsync(PackWriter pack, CancellationToken cancellation)
    {
        while (true)
        {
            await _compressing.WaitAsync(cancellation);
            ObjectName? awaited;
            using (new Held(_compressing))
            {
                var frame = pack.Next(out awaited);
                if (awaited is null)
                    return frame;
            }
            await FetchAsync(awaited.Value, cancellation);
        }
    }

    // Nobody waits for a bucket on a processor's place, nor on a thread.
    private async Task FetchAsync(ObjectName name, CancellationToken cancellation)
    {
        try
        {
            (await data.Repository.OpenStoredAsync(name, cancellation)).Dispose();
        }
        catch (Exception e) when (e is ObjectNotFoundException or CorruptObjectException)
        {
            // The pack says that it is missing.
        }
    }

    private void Leave(KeyId device)
    {
        if (_perDevice.AddOrUpdate(device, 0, (_, count) => count - 1) == 0)
            _perDevice.TryRemove(new KeyValuePair<KeyId, int>(device, 0));
    }

    private readonly struct Held(SemaphoreSlim semaphore) : IDisposable
    {
        public void Dispose() => semaphore.Release();
    }
}
