using System.Globalization;
using System.Text.Json;
using ContentTree.Server.Commands;
using ContentTree.Server.Fleet;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Endpoints;

/// <summary>Turns every failure of a request into problem details, in one place.</summary>
internal sealed class ProblemAnswers(ILogger log)
{
    private const string NoStore = "no-store";

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        // Only what says so itself may be kept: a cache must not go on answering "not found", or for somebody else.
        context.Response.Headers.CacheControl = NoStore;
        try
        {
            await next(context);
            await ExplainAsync(context);
        }
        catch (Exception e) when (!context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            var refused = ToProblem(e);
            // What is refused for a while, on purpose, is no failure.
            if (refused.Problem.Status >= StatusCodes.Status500InternalServerError && e is not ProblemException)
                Log.RequestFailed(log, e, context.Request.Method, context.Request.Path);
            await WriteAsync(context, refused);
        }
    }

    // Routing refuses without a body.
    private static Task ExplainAsync(HttpContext context) => context.Response switch
    {
        { HasStarted: false, StatusCode: StatusCodes.Status405MethodNotAllowed } => WriteAsync(context, new ProblemException(ProblemCode.BadMethod)),
        { HasStarted: false, StatusCode: StatusCodes.Status404NotFound } => WriteAsync(context, new ProblemException(ProblemCode.NotFound, "no such route")),
        _ => Task.CompletedTask,
    };

    /// <summary>What a failure is to whoever asked.</summary>
    public static ProblemException ToProblem(Exception e) => e switch
    {
        ProblemException problem => problem,
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => new(ProblemCode.TooLarge, e.Message),
        BadHttpRequestException or JsonException or FormatException or ArgumentException or UsageException => new(ProblemCode.BadRequest, e.Message),
        PrivilegeRefusedException or BranchProtectedException => new(ProblemCode.Forbidden, e.Message),
        NotFoundException or ObjectNotFoundException => new(ProblemCode.NotFound, e.Message),
        VerificationException => new(ProblemCode.BadObject, e.Message),
        BranchMovedException => new(ProblemCode.BranchMoved, e.Message),
        FleetConflictException => new(ProblemCode.Conflict, e.Message),
        StoreLockedException => new(ProblemCode.Locked, e.Message, retryAfter: TimeSpan.FromSeconds(5)),
        IncompleteCommitException => new(ProblemCode.Incomplete, e.Message),
        _ when Failure.IsOutOfSpace(e) => new(ProblemCode.NoSpace, "nothing was changed; make room on the server"),
        _ when DatabaseTrouble.IsAway(e) => new(ProblemCode.Unavailable, "the database does not answer", retryAfter: TimeSpan.FromSeconds(5)),
        _ when DatabaseTrouble.IsBusy(e) => new(ProblemCode.Unavailable, "the database is busy", retryAfter: TimeSpan.FromSeconds(5)),
        BucketException => new(ProblemCode.Unavailable, "the bucket that has the objects does not answer", retryAfter: TimeSpan.FromSeconds(5)),
        CorruptObjectException => new(ProblemCode.Internal, $"{e.Message}; run 'ctree-server fsck' on the server"),
        _ => new(ProblemCode.Internal),
    };

    private static async Task WriteAsync(HttpContext context, ProblemException refused)
    {
        var allow = context.Response.Headers.Allow;
        context.Response.Clear();
        context.Response.Headers.Allow = allow;
        context.Response.Headers.CacheControl = NoStore;
        context.Response.StatusCode = refused.Problem.Status;
        context.Response.ContentType = Problem.MediaType;
        if (refused.Problem.Status == StatusCodes.Status401Unauthorized)
            context.Response.Headers.WWWAuthenticate = "Bearer, CTree";
        if (refused.RetryAfter is { } wait)
            context.Response.Headers.RetryAfter = ((long)wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        var body = JsonSerializer.SerializeToUtf8Bytes(refused.Problem, ProtocolJson.Default.Problem);
        context.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }
}
