using ContentTree.Server.Drafts;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Privacy;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using Microsoft.AspNetCore.Http.Features;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>Publishing: a source is read into a draft, the draft is looked at beside what the branch has, and only then the branch moves.</summary>
internal sealed class PublishPages(
    Gate gate, PageRenderer renderer, DataDirectory data, DraftTable drafts, DraftMaker maker, FleetCounts counts, Func<BranchRegister> register, TimeProvider time, ILogger log)
{
    private readonly SourceRule _rule = new(data);

    internal sealed record Form(string Branch, IReadOnlyList<BranchInfo> Branches, IReadOnlyList<Draft> Drafts, IReadOnlyList<string> Directories, long MaxUpload, bool SignsElsewhere);

    internal sealed record Look(Draft Draft, CommitDiff? Diff, Commit? Commit, long Devices, bool IsMoved);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/publish", gate.Page(ShowAsync, TokenRole.Publisher));
        routes.MapPost("/publish/upload", gate.LongAction(UploadAsync, TokenRole.Publisher));
        routes.MapPost("/publish/git", gate.Action((visitor, form) => BeginAsync(visitor, form, _rule.Git(form["repository"].ToString().Trim(), form["revision"].ToString().Trim())), TokenRole.Publisher));
        routes.MapPost("/publish/directory", gate.Action((visitor, form) => BeginAsync(visitor, form, _rule.Path(form["path"].ToString().Trim())), TokenRole.Publisher));
        routes.MapGet("/publish/{id}", gate.Page(LookAsync, TokenRole.Publisher));
        routes.MapPost("/publish/{id}/confirm", gate.Action(ConfirmAsync, TokenRole.Publisher));
        routes.MapPost("/publish/{id}/drop", gate.Action(DropAsync, TokenRole.Publisher));
    }

    private Task ShowAsync(Visitor visitor) => renderer.ShowAsync<PublishPage>(visitor, new Form(
        visitor.Query("branch"), register().List(), drafts.Newest(), _rule.Directories, _rule.MaxUpload, ServerSettings.Load(data.Path).KeepsReleaseKeysElsewhere));

    private async Task UploadAsync(Visitor visitor)
    {
        RequireMayBegin();
        if (visitor.Context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = _rule.MaxUpload;
        var upload = await Upload.ReceiveAsync(visitor, data.UploadPath);
        try
        {
            var draft = maker.Begin(Options(upload.Fields, upload.Path), upload.Name, visitor.Actor.Name, discard: upload.Path);
            await visitor.Go($"/publish/{draft.Id}");
        }
        catch
        {
            File.Delete(upload.Path);
            throw;
        }
    }

    private Task BeginAsync(Visitor visitor, IFormCollection form, (string Source, string Shown) source)
    {
        RequireMayBegin();
        var draft = maker.Begin(Options(form.ToDictionary(f => f.Key, f => f.Value.ToString()), source.Source), source.Shown, visitor.Actor.Name);
        return visitor.Go($"/publish/{draft.Id}");
    }

    private Task LookAsync(Visitor visitor)
    {
        var draft = drafts.Find(visitor.Route("id"));
        var commit = draft.Commit is { } id && data.Repository.Contains(new ObjectName(ObjectKind.Commit, id)) ? data.Repository.ReadCommit(id) : null;
        var isReady = draft is { State: DraftState.Ready, Commit: not null } && commit is not null;
        var diff = isReady && draft.Base is { } from && draft.Commit is { } to && data.Repository.Contains(new ObjectName(ObjectKind.Commit, from)) ? CommitDiff.Of(data, from, to) : null;
        return renderer.ShowAsync<DraftPage>(visitor, new Look(draft, diff, commit, counts.Read().Following(draft.Branch), isReady && new Branches(data, time).Read(draft.Branch).Head?.Commit != draft.Base));
    }

    private Task ConfirmAsync(Visitor visitor, IFormCollection form)
    {
        var draft = drafts.Find(visitor.Route("id"));
        if (draft is not { State: DraftState.Ready, Commit: { } commit })
            throw new BranchMovedException("this draft is not waiting to be published");
        if (new ProtectedBranches(data).Contains(draft.Branch))
            visitor.Require(TokenRole.Approver);
        ReleaseKeys.RequireHere(data);
        var reason = form["reason"].ToString().Trim();
        var moved = new BranchSteering(data, time).Move(
            draft.Branch, commit.ToString(), BranchMove.Remote(BranchMove.Publish, visitor.Actor, reason.Length > 0 ? reason : null), (draft.Base, true));
        drafts.Decide(draft.Id, DraftState.Published);
        Log.Published(log, draft.Branch, moved.Commit, moved.Sequence, visitor.Actor.Name);
        counts.Forget();
        return visitor.Go($"/branches/{Text.Path(draft.Branch.ToString())}",
            $"Published: {draft.Branch} is at #{moved.Sequence}; {Text.Count(counts.Read().Following(draft.Branch), "device takes", "devices take")} it at the next poll.");
    }

    private Task DropAsync(Visitor visitor, IFormCollection form)
    {
        drafts.Decide(visitor.Route("id"), DraftState.Dropped);
        return visitor.Go("/publish", "Dropped; no branch has moved.");
    }

    private void RequireMayBegin() => ReleaseKeys.RequireHere(data);

    private static PublishOptions Options(IReadOnlyDictionary<string, string> fields, string source) => new()
    {
        Branch = BranchName.Parse(Field(fields, "branch")),
        Source = source,
        Version = Field(fields, "version"),
        Subject = Field(fields, "subject"),
    };

    private static string Field(IReadOnlyDictionary<string, string> fields, string name) => fields.TryGetValue(name, out var value) ? value.Trim() : "";
}
