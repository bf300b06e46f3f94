using ContentTree.Server.Deltas;
using ContentTree.Server.Privacy;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Endpoints;

/// <summary>What devices ask about deltas: is there one, and if not, may it be made. Making costs minutes, so little is allowed.</summary>
internal sealed class DeltaEndpoints(DataDirectory data, DeviceAccess access, ReadAccess reading, DeltaStore deltas, DeltaWorker worker, TimeProvider time)
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(30);

    private readonly RequestBudget<KeyId> _budget = new(time);

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost(Routes.Deltas, AskAsync);

    private async Task AskAsync(HttpContext context)
    {
        var body = await context.ReadBodyAsync(BodyLimits.Small);
        var device = access.RequireAccepted(context, body);
        if (!_budget.TryTake(device))
            throw new ProblemException(ProblemCode.TooMany, "a device may ask ten times a minute", retryAfter: RequestBudget<KeyId>.Window);
        var request = Messages.Parse(body, ProtocolJson.Default.DeltaRequest);
        RequireReadable(device, request.To);
        if (request.From is { } from)
            RequireReadable(device, from);
        if (deltas.Find(request.From, request.To) is { } offer)
            await context.AnswerAsync(offer, ProtocolJson.Default.DeltaOffer);
        else
            Queue(context, request);
    }

    private void Queue(HttpContext context, DeltaRequest request)
    {
        Require(request.To);
        if (request.From is { } from)
            Require(from);
        if (!worker.IsOn || request.From == request.To)
            throw new ProblemException(ProblemCode.NotFound, "this delta is not made; take the objects");
        switch (worker.Ask(new DeltaPair(request.From, request.To)))
        {
            case DeltaQueueing.Full:
                throw new ProblemException(ProblemCode.Unavailable, "many deltas wait to be made", retryAfter: 10 * AskAgain);
            case DeltaQueueing.Failed:
                throw new ProblemException(ProblemCode.NotFound, "this delta cannot be made; take the objects");
            default:
                context.Response.StatusCode = StatusCodes.Status202Accepted;
                context.Response.ContentLength = 0;
                context.Response.Headers.RetryAfter = AskAgain.TotalSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
                break;
        }
    }

    private void RequireReadable(KeyId device, ObjectId commit)
    {
        if (!reading.MayRead(device, new ObjectName(ObjectKind.Commit, commit)))
            throw new ProblemException(ProblemCode.NotFound, $"no commit {commit}");
    }

    // What no signed head names may be half of a publish, and is nobody's to ask about.
    private void Require(ObjectId commit)
    {
        if (!worker.Published.Contains(commit) || !data.Repository.Contains(new ObjectName(ObjectKind.Commit, commit)))
            throw new ProblemException(ProblemCode.NotFound, $"no commit {commit}");
    }
}
