using System.Collections.Concurrent;
using System.Diagnostics;
using ContentTree.Server.Deltas;
using ContentTree.Store.Deltas;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Monitoring;

/// <summary>Counts requests and what they send, by route and not by anything that a sender chooses.</summary>
internal sealed class RequestMetrics(DeltaStore deltas)
{
    /// <summary>The kind of what is no content for devices.</summary>
    public const string Other = "other";

    private const int MaxDeltas = 1000;

    /// <summary>Upper bounds of durations in seconds.</summary>
    public static readonly double[] Buckets = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60];

    private readonly ConcurrentDictionary<(string Route, string Method, int Code), long> _requests = new();
    private readonly ConcurrentDictionary<string, long> _bytes = new();
    private readonly ConcurrentDictionary<string, double> _gains = new();
    private readonly long[] _durations = new long[Buckets.Length + 1];
    private long _microseconds;
    private long _saved;
    private long _found;

    public IEnumerable<KeyValuePair<(string Route, string Method, int Code), long>> Requests => _requests.OrderBy(r => r.Key.Route, StringComparer.Ordinal).ThenBy(r => r.Key.Method, StringComparer.Ordinal).ThenBy(r => r.Key.Code);

    /// <summary>Bytes of bodies by their kind.</summary>
    public IEnumerable<KeyValuePair<string, long>> Bytes => _bytes.OrderBy(b => b.Key, StringComparer.Ordinal);

    /// <summary>Requests by how long they took, not summed up.</summary>
    public IReadOnlyList<long> Durations => _durations;

    public double Seconds => Interlocked.Read(ref _microseconds) / 1e6;

    /// <summary>What deltas make without its being sent: a guess.</summary>
    public long Saved => Interlocked.Read(ref _saved);

    /// <summary>How often somebody began to fetch a delta; its other parts, and what goes on where it broke off, do not count.</summary>
    public long Found => Interlocked.Read(ref _found);

    /// <summary>How often a device wanted a delta that was not there: it is made now, or cannot be.</summary>
    public long Missed => _requests.Where(r => r.Key.Route == Routes.Deltas && r.Key.Code is StatusCodes.Status202Accepted or StatusCodes.Status404NotFound or StatusCodes.Status503ServiceUnavailable).Sum(r => r.Value);

    /// <summary>Successful requests of a route.</summary>
    public long Succeeded(string route) => _requests.Where(r => r.Key.Route == route && r.Key.Code is >= 200 and < 300).Sum(r => r.Value);

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var kind = KindOf(context.Request.Path);
        var counted = kind == Other ? null : new CountedStream(context.Response.Body);
        if (counted is not null)
            context.Response.Body = counted;
        var begin = Stopwatch.GetTimestamp();
        try
        {
            await next(context);
        }
        finally
        {
            Count(context, kind, counted?.Count ?? (HttpMethods.IsHead(context.Request.Method) ? 0 : context.Response.ContentLength ?? 0), Stopwatch.GetElapsedTime(begin));
        }
    }

    private void Count(HttpContext context, string kind, long bytes, TimeSpan took)
    {
        // Of what matches no route, nothing that was sent becomes a name.
        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "none";
        var method = context.Request.Method is "GET" or "HEAD" or "POST" or "PUT" or "DELETE" ? context.Request.Method : "other";
        _requests.AddOrUpdate((route, method, context.Response.StatusCode), 1, (_, count) => count + 1);
        _bytes.AddOrUpdate(kind, bytes, (_, sum) => sum + bytes);
        var bucket = Array.FindIndex(Buckets, most => took.TotalSeconds <= most);
        Interlocked.Increment(ref _durations[bucket < 0 ? Buckets.Length : bucket]);
        Interlocked.Add(ref _microseconds, (long)took.TotalMicroseconds);
        if (kind != "delta" || bytes == 0 || context.Request.RouteValues["file"] is not string file || !DeltaName.TryParse(file, out var name))
            return;
        Interlocked.Add(ref _saved, (long)(bytes * GainOf(file, name)));
        if (IsBeginning(context))
            Interlocked.Increment(ref _found);
    }

    private static bool IsBeginning(HttpContext context) =>
        context.Response.StatusCode == StatusCodes.Status200OK || context.Response.StatusCode == StatusCodes.Status206PartialContent && context.Request.Headers.Range.ToString().StartsWith("bytes=0-", StringComparison.Ordinal);

    private static string KindOf(PathString path) =>
        path.StartsWithSegments(Routes.Repository + "/objects") ? "object" : path.StartsWithSegments(Routes.Repository + "/deltas") ? "delta" : path == Routes.Packs ? "pack" : Other;

    // Bytes that one byte of the delta makes, beside itself.
    private double GainOf(string file, DeltaName name)
    {
        if (_gains.Count > MaxDeltas)
            _gains.Clear();
        return _gains.GetOrAdd(file, _ => Math.Max(0, deltas.GainOf(name)));
    }
}
