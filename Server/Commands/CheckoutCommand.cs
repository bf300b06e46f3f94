using System.CommandLine;
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
        return CommandContext.Run(new Command("checkout", "Write a commit's tree out as a directory.") { of, target }, (parsed, _) =>
        {
            using var data = context.OpenData(parsed);
            var commit = data.Repository.ReadCommit(CommitReference.Resolve(data, context.Time, parsed.GetRequiredValue(of)));
            var skipped = RepositoryCheckout.Run(data.Repository, commit.Tree, parsed.GetRequiredValue(target));
            if (skipped == 0)
                return ExitCode.Done;
            context.Terminal.Error.WriteLine($"{skipped} device nodes were left out, because only root can make them");
            return ExitCode.Partial;
        });
    }
}
