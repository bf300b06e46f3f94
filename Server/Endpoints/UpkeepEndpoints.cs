using ContentTree.Server.Auditing;
using ContentTree.Server.Backups;
using ContentTree.Server.Commands;
using ContentTree.Server.Deltas;
using ContentTree.Server.Fleet;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using Microsoft.AspNetCore.Http.Features;

namespace ContentTree.Server.Endpoints;

/// <summary>What an admin does to the whole of it from elsewhere: collect garbage, check, back up. One at a time: each reads the whole repository.</summary>
internal sealed class UpkeepEndpoints(DataDirectory data, Devices devices, DeltaStore deltas, TokenAccess access, Audit audit, TimeProvider time, ILogger log) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _one = new(1);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Routes.Garbage, CollectAsync);
        routes.MapPost(Routes.Check, CheckAsync);
        routes.MapGet(Routes.Backup, BackUpAsync);
    }

    public void Dispose() => _one.Dispose();

    private async Task CollectAsync(HttpContext context)
    {
        var admin = access.Require(context, TokenRole.Admin);
        var request = await context.ReadAsync(ProtocolJson.Default.GarbageRequest, BodyLimits.Report);
        if (request.Keep < 1 || request.GraceHours is < 0 or > GarbageRequest.MaxGraceHours || request.Roots?.Count > GarbageRequest.MaxRoots || request.Roots?.Any(string.IsNullOrEmpty) == true)
            throw new ProblemException(ProblemCode.BadRequest, $"keep is a number above 0, graceHours one from 0 to {GarbageRequest.MaxGraceHours}, and {GarbageRequest.MaxRoots} roots at most");
        var roots = (request.Roots ?? []).Select(text => CommitReference.Resolve(data, time, text)).ToArray();
        var garbage = await AloneAsync(() => new Garbage(data, devices, deltas, time).Collect(request, roots, context.RequestAborted));
        if (!request.DryRun)
            audit.Note(Actor.Token(admin, context), "repository.gc", "all", after: $"{garbage.Removed.Count} commits removed");
        await context.AnswerAsync(garbage, ProtocolJson.Default.GarbageInfo);
    }

    private async Task CheckAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Admin);
        var result = await AloneAsync(() => FullCheck.Run(data, time, context.RequestAborted));
        await context.AnswerAsync(result.ToInfo(), ProtocolJson.Default.CheckInfo);
    }

    // Never with private keys: a token that got lost must not be worth a signature.
    private async Task BackUpAsync(HttpContext context)
    {
        var admin = access.Require(context, TokenRole.Admin);
        context.Response.ContentType = "application/x-tar";
        if (context.Features.Get<IHttpBodyControlFeature>() is { } control)
            control.AllowSynchronousIO = true;
        var backup = new Backup(data, new BackupOptions { WithKeys = false }, time, damage => Log.LeftOutOfBackup(log, damage));
        audit.Note(Actor.Token(admin, context), "server.backup", "all");
        try
        {
            await AloneAsync(() => backup.Write(context.Response.Body, context.RequestAborted));
        }
        catch (Exception e) when (context.Response.HasStarted)
        {
            // Only an end that is none says that the rest does not come.
            Log.BackupFailed(log, e);
            context.Abort();
        }
    }

    private async Task<T> AloneAsync<T>(Func<T> work)
    {
        if (!_one.Wait(0))
            throw new ProblemException(ProblemCode.Locked, "another collection, check or backup is under way", retryAfter: Patience);
        try
        {
            return await Task.Run(work);
        }
        finally
        {
            _one.Release();
        }
    }
}
