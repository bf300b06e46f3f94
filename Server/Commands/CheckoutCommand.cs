using System.CommandLine;
using ContentTree.Server.Client;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Commands;

/// <summary><c>checkout</c>: a commit's tree as a plain directory.</summary>
internal static class CheckoutCommand
{
    public static Command Create(CommandContext context)
    {
        var of = new Argument<string>("COMMIT") { Description = CommitReference.Help };
        var target = new Argument<string>("DIR") { Description = "the directory to make; it must not exist" };
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command("checkout", "Write a commit's tree out as a directory.") { of, target, server, token }, async (parsed, cancellation) =>
        {
            using var commits = await CommitAccess.OpenAsync(context, parsed, server, token, cancellation);
            var commit = commits.Data.Repository.ReadCommit(await commits.FindAsync(parsed.GetRequiredValue(of), Reach.Everything, cancellation));
            var skipped = RepositoryCheckout.Run(commits.Data.Repository, commit.Tree, parsed.GetRequiredValue(target));
            if (skipped == 0)
                return ExitCode.Done;
            context.Terminal.Error.WriteLine($"{skipped} device nodes were left out, because only root can make them");
            return ExitCode.Partial;
        });
    }
}
