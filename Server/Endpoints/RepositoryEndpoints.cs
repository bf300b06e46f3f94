using System.Buffers;
using System.Globalization;
using ContentTree.Server.Deltas;
using ContentTree.Server.Privacy;
using ContentTree.Server.Storage;
using ContentTree.Server.Storage.Buckets;
using ContentTree.Server.Trust;
using ContentTree.Store.Deltas;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Endpoints;

/// <summary>
/// The repository as any static web server would serve it. Paths are parsed into names and only names are looked up, so no
/// path leads anywhere else. What is immutable may be cached for ever.
/// </summary>
internal sealed class RepositoryEndpoints(DataDirectory data, DeltaStore deltas, Timestamps timestamps, ReadAccess access)
{
    private const string Immutable = "public, max-age=31536000, immutable";
    private const string OnlyForThem = "private, max-age=31536000, immutable";
    private const string MustAsk = "public, no-cache";
    private const string MustAskThem = "private, no-cache";
    private const string RootSuffix = ".root.json";
    private const string HeadSuffix = ".json";
    private const string ListSuffix = ".json";
    private const string Binary = "application/octet-stream";
    private const int SmallPart = 64 * 1024;
    private static readonly TimeSpan LinkValidity = TimeSpan.FromMinutes(5);
    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    private readonly bool _redirects = ServerSettings.Load(data.Path).RedirectsToBucket;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapMethods(Routes.Repository + "/objects/{fanout}/{file}", Methods, ServeObject);
        routes.MapMethods(Routes.Repository + "/deltas/{file}", Methods, ServeDelta);
        routes.MapMethods(Routes.Repository + "/heads/{**path}", Methods, ServeHead);
        routes.MapMethods(Routes.Repository + "/history/{**path}", Methods, ServeArchivedHead);
        routes.MapMethods(Routes.Repository + "/trust/{file}", Methods, ServeTrust);
        routes.MapMethods(Routes.Repository + "/trust/timestamp/{**path}", Methods, ServeTimestamp);
    }

    private async Task ServeObject(HttpContext context)
    {
        var fanout = Value(context, "fanout");
        if (fanout.Length != 2 || !ObjectName.TryParse(fanout + Value(context, "file"), out var name))
            throw NotFound();
        var caching = access.RequireObjects(context, name) ? Immutable : OnlyForThem;
        if (_redirects && IsForWhole(context) && await LinkAsync(context, name) is { } link)
        {
            context.Response.StatusCode = StatusCodes.Status307TemporaryRedirect;
            // Whoever has the address may read it for a while: no cache in between keeps it.
            (context.Response.Headers.Location, context.Response.Headers.CacheControl) = (link.AbsoluteUri, "private, no-store");
            return;
        }
        // The stream is the result's to close, also when the client goes away.
        var stream = await OpenAsync(context, name);
        context.Response.Headers.CacheControl = caching;
        if (stream is FileSlice && stream.Length <= SmallPart && IsForWhole(context) && context.Request.Headers.IfMatch.Count == 0)
            await SendSmallAsync(context, stream, Tag(name.Id, stream.Length));
        else
            await Results.Stream(stream, Binary, entityTag: Tag(name.Id, stream.Length), enableRangeProcessing: true).ExecuteAsync(context);
    }

    // Most objects are small, and what the base library does for ranges and conditions takes longer than to send them.
    private static async Task SendSmallAsync(HttpContext context, Stream content, EntityTagHeaderValue tag)
    {
        await using var _ = content;
        var length = (int)content.Length;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            content.ReadExactly(buffer, 0, length);
            var response = context.Response;
            (response.ContentType, response.ContentLength, response.Headers.ETag, response.Headers.AcceptRanges) = (Binary, length, tag.ToString(), "bytes");
            await response.Body.WriteAsync(buffer.AsMemory(0, length), context.RequestAborted);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static FileSlice Opened(SafeFileHandle file) => new(file, 0, RandomAccess.GetLength(file), isOwned: true);

    private static bool IsForWhole(HttpContext context) =>
        HttpMethods.IsGet(context.Request.Method) && context.Request.Headers.Range.Count == 0 && context.Request.Headers.IfNoneMatch.Count == 0;

    // Whoever asks for no cached copy has had a wrong one, or does not reach the bucket.
    private async ValueTask<Uri?> LinkAsync(HttpContext context, ObjectName name) =>
        data.Repository.Bucket is { } bucket && data.Repository.IsInBucket(name) && context.Request.GetTypedHeaders().CacheControl?.NoCache != true ? await bucket.LinkAsync(name, LinkValidity) : null;

    // Who asks whether it is still the same, or for a few bytes of it, is no reason to have all of it come out of a bucket.
    private async ValueTask<Stream> OpenAsync(HttpContext context, ObjectName name)
    {
        var headers = context.Request.GetTypedHeaders();
        var isPart = headers.Range is { Ranges.Count: 1 } asked && asked.Ranges.First() is var range && (range.From is null ? range.To : range.To - range.From + 1) is <= SmallPart;
        return IsForWhole(context)
            ? Opened(await data.Repository.OpenStoredAsync(name, context.RequestAborted))
            : await data.Repository.OpenLazilyAsync(name, isPart, context.RequestAborted);
    }

    private Task ServeDelta(HttpContext context)
    {
        var file = Value(context, "file");
        var path = Path.Combine(data.Repository.Path, "deltas", file);
        if (DeltaName.TryParse(file, out var name))
        {
            // Made of what both commits have.
            var isPublic = access.RequireObjects(context, name.From is { } from ? [CommitOf(name.To), CommitOf(from)] : [CommitOf(name.To)]);
            deltas.Touch(name);
            return File.Exists(path) ? ServeFile(context, path, file, isPublic ? Immutable : OnlyForThem) : throw NotFound();
        }
        if (!file.EndsWith(ListSuffix, StringComparison.Ordinal) || !ObjectId.TryParse(file.AsSpan(0, file.Length - ListSuffix.Length), out var to) || !File.Exists(path))
            throw NotFound();
        return ServeBytes(context, File.ReadAllBytes(path), access.RequireObjects(context, CommitOf(to)) ? MustAsk : MustAskThem);
    }

    private static ObjectName CommitOf(ObjectId commit) => new(ObjectKind.Commit, commit);

    // The name is the tag: it has the hash in it.
    private static Task ServeFile(HttpContext context, string path, string name, string caching)
    {
        var stream = Opened(File.OpenHandle(path));
        context.Response.Headers.CacheControl = caching;
        return Results.Stream(stream, Binary, entityTag: new EntityTagHeaderValue(new StringSegment($"\"{name}\"")), enableRangeProcessing: true).ExecuteAsync(context);
    }

    private Task ServeHead(HttpContext context) => ServeOf(context, data.Repository.Heads.ReadNewest);

    private Task ServeTimestamp(HttpContext context) => ServeOf(context, branch => timestamps.Read(branch)?.Timestamp);

    private Task ServeOf(HttpContext context, Func<BranchName, byte[]?> read)
    {
        var branch = BranchOf(context);
        var caching = access.RequireBranch(context, branch) ? MustAsk : MustAskThem;
        return ServeBytes(context, read(branch), caching);
    }

    private static BranchName BranchOf(HttpContext context)
    {
        var path = Value(context, "path");
        return path.EndsWith(HeadSuffix, StringComparison.Ordinal) && BranchName.TryParse(path[..^HeadSuffix.Length], out var branch) ? branch : throw NotFound();
    }

    private Task ServeArchivedHead(HttpContext context)
    {
        var path = Value(context, "path");
        var slash = path.LastIndexOf('/');
        if (slash <= 0 || !BranchName.TryParse(path[..slash], out var branch) || !TryParseNumbered(path[(slash + 1)..], HeadSuffix, out var sequence))
            throw NotFound();
        return ServeBytes(context, data.Repository.Heads.ReadArchived(branch, sequence), access.RequireBranch(context, branch) ? MustAsk : MustAskThem);
    }

    private Task ServeTrust(HttpContext context)
    {
        var file = Value(context, "file");
        if (file == "root.json")
            return ServeBytes(context, data.Trust.TryReadNewest(), MustAsk);
        return TryParseNumbered(file, RootSuffix, out var version) ? ServeBytes(context, data.Trust.TryReadVersion(version), Immutable) : throw NotFound();
    }

    private static Task ServeBytes(HttpContext context, byte[]? bytes, string caching)
    {
        if (bytes is null)
            throw NotFound();
        context.Response.Headers.CacheControl = caching;
        return Results.Bytes(bytes, "application/json", entityTag: Tag(ObjectId.Of(bytes), bytes.Length), enableRangeProcessing: true).ExecuteAsync(context);
    }

    private static bool TryParseNumbered(string file, string suffix, out long number)
    {
        number = 0;
        return file.EndsWith(suffix, StringComparison.Ordinal) &&
            long.TryParse(file[..^suffix.Length], NumberStyles.None, CultureInfo.InvariantCulture, out number) &&
            file == number.ToString(CultureInfo.InvariantCulture) + suffix;
    }

    // The tag stands for the bytes sent: written again by another encoder, the same content may have another frame.
    private static EntityTagHeaderValue Tag(ObjectId id, long length) => new(new StringSegment(string.Create(CultureInfo.InvariantCulture, $"\"{id}-{length}\"")));

    private static string Value(HttpContext context, string name) => context.Request.RouteValues[name] as string ?? "";

    private static ProblemException NotFound() => new(ProblemCode.NotFound);
}
