using System.Security.Cryptography;
using ContentTree.Server.Auditing;
using ContentTree.Server.Follows;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>Branches that follow git repositories, and the hooks by which git servers say that something was pushed.</summary>
internal sealed class FollowEndpoints(DataDirectory data, TokenAccess access, Audit audit, FollowWorker worker, TimeProvider time, ILogger log)
{
    private readonly FollowRegister _register = new(data, time);
    private readonly RequestBudget<BranchName> _budget = new(time);

    // What a hook that is not there is checked with: the answer takes as long.
    private readonly string _nobodys = RandomNumberGenerator.GetHexString(43, lowercase: true);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Routes.Follows, ListAsync);
        routes.MapGet(Routes.Follows + "/{**name}", ShowAsync);
        routes.MapPut(Routes.Follows, SetAsync);
        routes.MapPost(Routes.Follows + "/{**name}", LookAsync);
        routes.MapDelete(Routes.Follows + "/{**name}", Remove);
        routes.MapPost(Routes.Hooks + "/{**name}", TakeHookAsync);
    }

    private Task ListAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Viewer);
        return context.AnswerAsync(new FollowList(_register.List()), ProtocolJson.Default.FollowList);
    }

    private Task ShowAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Viewer);
        var branch = BranchOf(context);
        context.Response.Headers.ETag = Expectation.Tag(_register.StampOf(branch) ?? "");
        return context.AnswerAsync(_register.Find(branch), ProtocolJson.Default.FollowInfo);
    }

    // An admin's: git runs with the credentials of the server's user, and reads what that user may.
    private async Task SetAsync(HttpContext context)
    {
        var token = access.Require(context, TokenRole.Admin);
        var set = _register.Set(await context.ReadAsync(ProtocolJson.Default.FollowRequest, BodyLimits.Enrol), $"token {token}", Expectation.Of(context).Require);
        context.Response.Headers.ETag = Expectation.Tag(_register.StampOf(set.Settings.Branch) ?? "");
        Log.FollowChanged(log, set.Settings.Branch, "set", token);
        audit.Note(Actor.Token(token, context), "follow.set", set.Settings.Branch, after: set.Settings.Source);
        worker.Wake();
        await context.AnswerAsync(set, ProtocolJson.Default.FollowInfo);
    }

    private Task LookAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Publisher);
        var asked = _register.Ask(BranchOf(context), isAgain: true);
        worker.Wake();
        return context.AnswerAsync(asked, ProtocolJson.Default.FollowInfo);
    }

    private Task Remove(HttpContext context)
    {
        var token = access.Require(context, TokenRole.Admin);
        var branch = BranchOf(context);
        _register.Remove(branch, Expectation.Of(context).Require);
        Log.FollowChanged(log, branch, "removed", token);
        audit.Note(Actor.Token(token, context), "follow.remove", branch);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private async Task TakeHookAsync(HttpContext context)
    {
        var secret = BranchName.TryParse(context.Request.RouteValues["name"] as string, out var branch) ? _register.TryFindSecret(branch) : null;
        if (!await HookSignature.CheckAsync(context, secret ?? _nobodys) || secret is null)
            throw new ProblemException(ProblemCode.BadSignature, "no such hook, or not its secret");
        if (!_budget.TryTake(branch))
            throw new ProblemException(ProblemCode.TooMany, "a hook may ask ten times a minute; the repository is looked at anyway", retryAfter: RequestBudget<BranchName>.Window);
        _register.Ask(branch, isAgain: false);
        worker.Wake();
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        context.Response.ContentLength = 0;
    }

    private static BranchName BranchOf(HttpContext context) => BranchName.Parse(context.Request.RouteValues["name"] as string);
}
