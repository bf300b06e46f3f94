using System.CommandLine;
using ContentTree.Server.Bundles;
using ContentTree.Server.Deltas;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>bundle</c>: one file that brings a commit to devices without a network.</summary>
internal static class BundleCommand
{
    public static Command Create(CommandContext context)
    {
        var to = new Option<string>("--to") { Description = $"the commit it brings: {CommitReference.Help}", HelpName = "COMMIT", Required = true };
        var from = new Option<string[]>("--from") { Description = "only for devices that have this commit; may be given several times", HelpName = "COMMIT", DefaultValueFactory = _ => [] };
        var branch = new Option<BranchName?>("--branch")
        {
            Description = "for devices that follow this branch (default: all public ones that have ever been at the commit; a private one must be named)",
            HelpName = "BRANCH",
            CustomParser = result => BranchName.TryParse(result.Tokens[0].Value, out var name)
                ? name
                : CommandContext.Fail<BranchName?>(result, $"'{result.Tokens[0].Value}' is no branch name"),
        };
        var file = new Argument<string>("FILE") { Description = "where to write it" };
        return CommandContext.Run(new Command("bundle", "Write a commit, its proof and its objects, or deltas to it, into one file.") { to, from, branch, file }, (parsed, cancellation) =>
        {
            using var data = context.OpenData(parsed);
            var commit = CommitReference.Resolve(data, context.Time, parsed.GetRequiredValue(to));
            using var deltas = new DeltaStore(data);
            DeltaOffer[] offers = [.. (parsed.GetValue(from) ?? []).Select(start => CommitReference.Resolve(data, context.Time, start)).Distinct()
                .Select(start => deltas.Make(start, commit, new DeltaOptions(), null, cancellation).Offer)];
            var path = parsed.GetRequiredValue(file);
            var bytes = new BundleWriter(data, context.Time).Write(path, commit, parsed.GetValue(branch), offers, cancellation);
            context.Terminal.Error.WriteLine($"{bytes} bytes{(offers.Length > 0 ? $", for devices that have one of {offers.Length} commits" : ", for any device")}; there: 'ctree bundle install {Path.GetFileName(path)}'");
            context.Terminal.Out.WriteLine(commit);
            return ExitCode.Done;
        });
    }
}
