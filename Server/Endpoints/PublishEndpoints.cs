using ContentTree.Server.Auditing;
using ContentTree.Server.Privacy;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using Microsoft.AspNetCore.Http.Features;

namespace ContentTree.Server.Endpoints;

/// <summary>Publishing from elsewhere: which objects are missing, uploads, and the head that moves last.</summary>
internal sealed class PublishEndpoints(DataDirectory data, TokenAccess access, OnceOnly once, UploadBatch uploads, TimeProvider time, ILogger log)
{
    private const long SmallestFrame = 11;

    // Younger than gc's grace period is what keeps objects, so a lease needs no memory; the name is for later.
    private const string Lease = "age";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Routes.PublishMissing, MissingAsync);
        routes.MapPut(Routes.PublishObjects + "/{name}", UploadAsync);
        routes.MapPost(Routes.PublishHeads, once.Wrap(MoveAsync, TokenRole.Publisher, TokenRole.Approver));
    }

    private async Task MissingAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Publisher);
        var request = await context.ReadAsync(ProtocolJson.Default.MissingRequest, BodyLimits.Missing);
        if (request.Objects.Count > MissingRequest.MaxObjects)
            throw new ProblemException(ProblemCode.TooLarge, $"more than {MissingRequest.MaxObjects} names; ask in several requests");
        var missing = request.Objects.Where(name => !uploads.IsKnown(name)).ToArray();
        await context.AnswerAsync(new MissingAnswer(missing, request.Lease ?? Lease), ProtocolJson.Default.MissingAnswer);
    }

    private async Task UploadAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Publisher);
        if (!ObjectName.TryParse(context.Request.RouteValues["name"] as string, out var name))
            throw new ProblemException(ProblemCode.BadRequest, "not an object's name: 64 hex digits and .file, .tree or .commit");
        // A file may be as large as it is; the decoder is bounded, and only publishers come this far.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = name.Kind == ObjectKind.File ? null : Tree.MaxEncodedBytes + Tree.MaxEncodedBytes / 128;
        if (context.Request.ContentLength < SmallestFrame)
            throw new ProblemException(ProblemCode.BadObject, $"{name}: shorter than any lz4 frame");
        using var received = await ReceivedObject.ReceiveAsync(name, context.Request.Body, data.UploadPath, context.RequestAborted);
        var isNew = Store(name, received);
        context.Response.StatusCode = isNew ? StatusCodes.Status201Created : StatusCodes.Status200OK;
    }

    private bool Store(ObjectName name, ReceivedObject received)
    {
        try
        {
            return uploads.Store(name, received.WriteTo);
        }
        catch (CorruptObjectException e)
        {
            throw new ProblemException(ProblemCode.BadObject, e.Message);
        }
    }

    private async Task MoveAsync(HttpContext context)
    {
        var token = access.RequireAny(context, TokenRole.Publisher, TokenRole.Approver);
        var request = await context.ReadAsync(ProtocolJson.Default.MoveHeadRequest, BodyLimits.Small);
        if (new ProtectedBranches(data).Contains(request.Branch))
            access.Require(context, TokenRole.Approver);
        var branches = new Branches(data, time);
        var seen = branches.Read(request.Branch);
        if (IsDone(request, seen))
        {
            await context.AnswerAsync(new MoveHeadAnswer(seen.Head!.Sequence, request.Commit), ProtocolJson.Default.MoveHeadAnswer);
            return;
        }
        if ((seen.Head?.Sequence ?? 0) != request.ExpectedSequence || (request.ExpectedCommit is { } commit && commit != seen.Head?.Commit))
            throw new BranchMovedException($"branch {request.Branch} is at sequence {seen.Head?.Sequence ?? 0}, not {request.ExpectedSequence}; publish again");
        if (request.IsRevert == true)
            branches.RequireHasBeenAt(request.Branch, request.Commit);
        uploads.Complete();
        // Held from the check to the move: garbage collection cannot run in between.
        using var guard = data.Repository.BeginWriting();
        var complete = CompleteClosure.Check(data.Repository, request.Commit);
        new PrivilegePolicy(data).Check(seen.Head?.Commit, data.Repository.ReadCommit(request.Commit).Tree, isMeant: false);
        if (request.IsQuestion == true)
        {
            await context.AnswerAsync(new MoveHeadAnswer(branches.NextSequence(seen), complete.Commit), ProtocolJson.Default.MoveHeadAnswer);
            return;
        }
        var verb = request.IsRevert == true ? BranchMove.Revert : branches.IsAtAnother(request.Branch, request.Commit) ? BranchMove.Promote : BranchMove.Publish;
        if (verb == BranchMove.Publish)
            access.Require(context, TokenRole.Publisher);
        var move = BranchMove.Remote(verb, Actor.Token(token.Id, context), request.Reason);
        if (request.Head is null)
            ReleaseKeys.RequireHere(data);
        var head = request.Head is { } signed ? branches.Advance(seen, complete, move, signed.Bytes.Span) : branches.Advance(seen, complete, move);
        Log.Published(log, head.Branch, head.Commit, head.Sequence, token.Id);
        await context.AnswerAsync(new MoveHeadAnswer(head.Sequence, head.Commit), ProtocolJson.Default.MoveHeadAnswer);
    }

    // Said again because the answer was lost: the branch is there, and came from where the publisher saw it.
    private bool IsDone(MoveHeadRequest request, BranchPosition seen) => request.IsQuestion != true && seen.Head is { } head && head.Commit == request.Commit && head.Sequence > request.ExpectedSequence &&
        data.Repository.Heads.ArchivedSequences(request.Branch).LastOrDefault(sequence => sequence < head.Sequence) == request.ExpectedSequence;
}
