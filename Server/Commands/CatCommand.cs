using System.CommandLine;
using ContentTree.Server.Client;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Commands;

/// <summary><c>cat</c>: a file's bytes out of a commit.</summary>
internal static class CatCommand
{
    public static Command Create(CommandContext context)
    {
        var of = new Argument<string>("COMMIT") { Description = CommitReference.Help };
        var path = new Argument<string>("PATH") { Description = "a file in the tree" };
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command("cat", "Print a file of a commit.") { of, path, server, token }, async (parsed, cancellation) =>
        {
            using var commits = await CommitAccess.OpenAsync(context, parsed, server, token, cancellation);
            var commit = await commits.FindAsync(parsed.GetRequiredValue(of), Reach.Trees, cancellation);
            var data = commits.Data;
            var where = parsed.GetRequiredValue(path);
            if (TreePath.Find(data.Repository.ReadTree, data.Repository.ReadCommit(commit).Tree, where) is not TreeEntry.File file)
                throw new NotFoundException($"{where}: not a regular file");
            await commits.FetchAsync(file, cancellation);
            using var content = new StoredContent(data.Repository);
            content.Read(new ObjectName(ObjectKind.File, file.Id), file.Size, context.Terminal.Raw.Write);
            context.Terminal.Raw.Flush();
            return ExitCode.Done;
        });
    }
}
