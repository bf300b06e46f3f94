using System.CommandLine;
using ContentTree.Server.Bundles;
using ContentTree.Server.Client;
using ContentTree.Server.Deltas;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Commands;

/// <summary><c>bundle</c>: one file that brings a commit to devices without a network.</summary>
internal static class BundleCommand
{
    public static Command Create(CommandContext context)
    {
        var to = new Option<string>("--to") { Description = $"the commit it brings: {CommitReference.Help}", HelpName = "COMMIT", Required = true };
        var from = new Option<string[]>("--from") { Description = "only for devices that have this commit; may be given several times", HelpName = "COMMIT", DefaultValueFactory = _ => [] };
        var have = new Option<string?>("--have") { Description = "only for the devices of this list: 'device list --json' here, or 'ctree status --json' of a device", HelpName = "FILE" };
        var group = new Option<string?>("--for") { Description = "only for the devices of a group, by what they run as far as is known here; with --have by what the list says", HelpName = "GROUP" };
        var branch = new Option<BranchName?>("--branch")
        {
            Description = "for devices that follow this branch (default: all public ones that have ever been at the commit; a private one must be named)",
            HelpName = "BRANCH",
            CustomParser = result => BranchName.TryParse(result.Tokens[0].Value, out var name)
                ? name
                : CommandContext.Fail<BranchName?>(result, $"'{result.Tokens[0].Value}' is no branch name"),
        };
        var file = new Argument<string>("FILE") { Description = "where to write it" };
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command("bundle", "Write a commit, its proof and its objects, or deltas to it, into one file.") { to, from, have, group, branch, server, token, file }, async (parsed, cancellation) =>
        {
            using var commits = await CommitAccess.OpenAsync(context, parsed, server, token, cancellation);
            var commit = await commits.FindAsync(parsed.GetRequiredValue(to), Reach.Everything, cancellation);
            var starts = new HashSet<ObjectId>();
            foreach (var start in parsed.GetValue(from) ?? [])
                starts.Add(await commits.FindAsync(start, Reach.Everything, cancellation));
            if (parsed.GetValue(have) is not null || parsed.GetValue(group) is not null)
                starts.UnionWith(await StartsAsync(context, commits, parsed.GetValue(have), parsed.GetValue(group), parsed.GetValue(branch), commit, cancellation));
            var heads = await commits.HeadsOfAsync(commit, parsed.GetValue(branch), cancellation);
            using var deltas = new DeltaStore(commits.Data);
            DeltaOffer[] offers = [.. starts.Select(start => deltas.Make(start, commit, new DeltaOptions(), null, cancellation).Offer)];
            var path = parsed.GetRequiredValue(file);
            var bytes = new BundleWriter(commits.Data, context.Time).Write(path, commit, heads, offers, cancellation);
            context.Terminal.Error.WriteLine($"{bytes} bytes{(offers.Length > 0 ? $", for devices that have one of {offers.Length} commits" : ", for any device")}; there: 'ctree bundle install {Path.GetFileName(path)}'");
            context.Terminal.Out.WriteLine(commit);
            return ExitCode.Done;
        });
    }

    /// <exception cref="NotFoundException">None of them has anything to begin with.</exception>
    private static async Task<IReadOnlyList<ObjectId>> StartsAsync(
        CommandContext context, CommitAccess access, string? inventory, string? group, BranchName? branch, ObjectId to, CancellationToken cancellation)
    {
        var members = group is null ? null : (await access.MembersAsync(GroupName.Parse(group), cancellation)).Where(d => branch is null || d.Branch == branch).ToArray();
        var (commits, without) = inventory is not null
            ? Inventory.Read(inventory, branch, id => members is null || members.Any(m => m.Id.ToString() == id))
            : ([.. (members ?? []).Select(m => m.Running).OfType<ObjectId>().Distinct()], (members ?? []).Count(m => m.Running is null));
        var known = new List<ObjectId>();
        foreach (var commit in commits.Where(commit => commit != to))
        {
            if (await access.IsThereAsync(commit, Reach.Everything, cancellation))
                known.Add(commit);
        }
        var unknown = commits.Count(commit => commit != to) - known.Count;
        if (without + unknown > 0)
            context.Terminal.Error.WriteLine($"{without} devices have no commit, and {unknown} commits of others are not here any more: make a whole bundle for these, without --have and --for");
        return known.Count > 0 ? known
            : throw new NotFoundException(commits.Contains(to) ? $"all devices of {inventory ?? group} that have a commit run {to} already" : $"no device of {inventory ?? group} has a commit that is here: make a bundle without --have and --for");
    }
}
