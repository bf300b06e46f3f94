using ContentTree.Server.Commands;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>What a commit is that a person means; its objects are in the repository.</summary>
internal sealed class CommitEndpoints(DataDirectory data, TokenAccess access, TimeProvider time)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapGet(Routes.Commits + "/{**text}", ShowAsync);

    private Task ShowAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Viewer);
        var id = CommitReference.Resolve(data, time, context.Request.RouteValues["text"] as string ?? "");
        var commit = data.Repository.ReadCommit(id);
        var info = new CommitInfo(id, commit.Tree, commit.Parents, commit.Created, commit.Entries, commit.Bytes,
            Said(commit.Version), Said(commit.Subject), Said(commit.Source.Url), Said(commit.Source.Revision), Said(commit.Architecture));
        return context.AnswerAsync(info, ProtocolJson.Default.CommitInfo);
    }

    private static string? Said(string text) => text.Length > 0 ? text : null;
}
