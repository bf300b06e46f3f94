using System.Net;
using System.Net.Http.Headers;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// One request for some bytes of a file, and what the answer means: a range of the same file, another file under the same name, a
/// server without ranges, or nothing that can be used.
/// </summary>
internal sealed class RangeRequest(
    SparsePart part, string route, long? announced, RangeRequest.Take take, Func<RangeUnit, bool> claimAll, TransferCounters counters)
{
    // A cluster whose servers disagree about an ETag would make us begin for ever; whoever reads the file checks it anyway.
    private const int MaxRestarts = 3;

    private readonly Lock _lock = new();
    private Source? _lengthFrom;

    /// <summary>Takes a piece; false when it is of no use any more.</summary>
    public delegate bool Take(Source source, RangeUnit unit, ReadOnlySpan<byte> piece);

    public int Restarts { get; private set; }

    /// <summary>Brings as much of the unit as the source sends.</summary>
    /// <exception cref="WrongSourceException">The source has another file.</exception>
    /// <exception cref="StoppedException">It has none.</exception>
    public async Task RunAsync(Source source, RangeUnit unit, bool hasOther, CancellationToken cancellation)
    {
        using var request = Request(source, unit);
        using var response = await source.SendAsync(request, cancellation).ConfigureAwait(false);
        var range = response.Content.Headers.ContentRange;
        switch (response.StatusCode)
        {
            case HttpStatusCode.PartialContent when range?.From == unit.Range.From && range.To < unit.Range.To:
                if (Agree(source, unit, range.Length, response.Headers.ETag))
                    await ReadAsync(source, unit, response, range.To.Value + 1, cancellation).ConfigureAwait(false);
                break;
            case HttpStatusCode.OK:
                if (Agree(source, unit, response.Content.Headers.ContentLength, response.Headers.ETag))
                    await ReadPlainAsync(source, unit, response, hasOther, cancellation).ConfigureAwait(false);
                break;
            case HttpStatusCode.RequestedRangeNotSatisfiable when range?.Length is { } length:
                if (Agree(source, unit, length, response.Headers.ETag) && unit.Range.From < length)
                    throw Wrong(source, "refuses a range that it has");
                break;
            case HttpStatusCode.PartialContent:
                throw Wrong(source, "sent another range than asked for");
            default:
                throw RepositoryClient.Missing(source, route, response);
        }
    }

    private HttpRequestMessage Request(Source source, RangeUnit unit)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, source.Connection.Resolve(route));
        request.Headers.Range = new RangeHeaderValue(unit.Range.From, unit.Range.To - 1);
        if (Restarts < MaxRestarts && part.Tag(source.Name) is { } tag)
            request.Headers.IfRange = new RangeConditionHeaderValue(EntityTagHeaderValue.Parse(tag));
        return request;
    }

    // True when the answer belongs to the file that we have the beginning of. When it does not, the file has started over.
    private bool Agree(Source source, RangeUnit unit, long? length, EntityTagHeaderValue? entityTag)
    {
        var tag = entityTag is { IsWeak: false } ? entityTag.ToString() : null;
        lock (_lock)
        {
            if (unit.Generation != part.Generation)
                return false;
            if ((length ?? announced ?? part.Length) is not { } total)
                throw Wrong(source, "does not say how long it is");
            if (total != (announced ?? total))
                throw Wrong(source, $"has {total} bytes of it, not {announced}");
            var known = part.Tag(source.Name);
            var isFirst = part.Length is null;
            if (isFirst || part.Length != total || (known is not null && tag is not null && known != tag && Restarts < MaxRestarts))
            {
                StartOver(source, total, tag);
                unit.Generation = isFirst ? part.Generation : unit.Generation;
                return isFirst;
            }
            _lengthFrom ??= source;
            part.SetTag(source.Name, tag);
            return true;
        }
    }

    private void StartOver(Source source, long total, string? tag)
    {
        if (part.Length is not null)
        {
            if (part.Length != total && (Restarts >= MaxRestarts || (_lengthFrom ?? source) != source))
                throw Wrong(source, $"has {total} bytes of it, not {part.Length}");
            Restarts++;
            counters.Restarted();
        }
        part.Start(total);
        part.SetTag(source.Name, tag);
        _lengthFrom = source;
    }

    private async Task ReadPlainAsync(Source source, RangeUnit unit, HttpResponseMessage response, bool hasOther, CancellationToken cancellation)
    {
        if (unit.Range.From > 0 && hasOther)
            throw Wrong(source, "sends no ranges");
        if (claimAll(unit))
            await ReadAsync(source, unit, response, part.Length!.Value, cancellation).ConfigureAwait(false);
    }

    private async Task ReadAsync(Source source, RangeUnit unit, HttpResponseMessage response, long end, CancellationToken cancellation)
    {
        try
        {
            await source.ReadAsync(response, piece =>
            {
                if (unit.Position + piece.Length > end)
                    throw Wrong(source, "sent more than it announced");
                if (!take(source, unit, piece.Span))
                    throw new StartedOverException();
            }, cancellation).ConfigureAwait(false);
        }
        catch (StartedOverException)
        {
            return;
        }
        if (unit.Position < end)
            throw new ServerUnreachableException($"{source.Name}: {route} ended too early");
    }

    private WrongSourceException Wrong(Source source, string what) => new($"{source.Name}: {route}: {what}");

    private sealed class StartedOverException : Exception;
}
