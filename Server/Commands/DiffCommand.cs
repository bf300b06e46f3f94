using System.CommandLine;
using System.Text.Json.Nodes;
using ContentTree.Server.Client;
using ContentTree.Server.Packages;
using ContentTree.Server.Publishing.Sources.Git;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Commands;

/// <summary><c>diff</c>: how two commits' trees differ; ends with 0 when they do not, 1 when they do, 2 when that cannot be said.</summary>
internal static class DiffCommand
{
    public const string Name = "diff";

    public static Command Create(CommandContext context)
    {
        var left = new Argument<string>("A") { Description = CommitReference.Help };
        var right = new Argument<string>("B") { Description = CommitReference.Help };
        var privileges = new Option<bool>("--privileges") { Description = "only what changed in setuid and setgid, security.* and trusted.* attributes and device nodes" };
        var packages = new Option<bool>("--packages") { Description = "only the packages that came, went or have another version" };
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        return CommandContext.Run(new Command(Name, "How two commits differ: 0 same, 1 different, 2 trouble.") { left, right, privileges, packages, server, token, json }, async (parsed, cancellation) =>
        {
            using var access = await CommitAccess.OpenAsync(context, parsed, server, token, cancellation);
            var data = access.Data;
            var commits = new List<Commit>();
            foreach (var side in new[] { left, right })
                commits.Add(data.Repository.ReadCommit(await access.FindAsync(parsed.GetRequiredValue(side), parsed.GetValue(packages) ? Reach.Everything : Reach.Trees, cancellation)));
            var trees = commits.Select(commit => commit.Tree).ToArray();
            if (parsed.GetValue(privileges))
                return PrintPrivileges(context.Terminal, PrivilegeDiff.Compare(data.Repository.ReadTree, trees[0], trees[1]), parsed.GetValue(json));
            if (parsed.GetValue(packages))
                return PrintPackages(context.Terminal, [.. PackageChange.Between(PackageList.Of(data.Repository, trees[0]), PackageList.Of(data.Repository, trees[1]))], parsed.GetValue(json));
            var changes = TreeDiff.Compare(data.Repository.ReadTree, trees[0], trees[1]).ToArray();
            var between = GitRange.Between(Path.Combine(data.Path, GitMirror.Folder), commits[0].Source, commits[1].Source);
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.diff/1", new JsonObject { ["changes"] = new JsonArray([.. changes.Select(c => ToJson(c))]), ["revisions"] = between is null ? null : new JsonArray([.. between.Select(c => ToJson(c))]) });
            else
            {
                PrintRevisions(context.Terminal, between ?? []);
                foreach (var change in changes)
                    context.Terminal.Out.WriteLine($"{Letter(change.Kind)} {change.Path}");
            }
            return changes.Length == 0 ? ExitCode.Done : ExitCode.Failed;
        });
    }

    // For people: what programs read are the lines of files.
    private static void PrintRevisions(Terminal terminal, IReadOnlyList<GitChange> between)
    {
        foreach (var change in between)
            terminal.Error.WriteLine($"{(change.IsGone ? "- " : "+ ")}{change.Revision[..Printing.ShortId]} {Printing.Time(change.Time)} {change.Author}: {change.Subject}");
        if (between.GroupBy(c => c.IsGone).Any(g => g.Count() == GitRange.Max))
            terminal.Error.WriteLine($"  and more than {GitRange.Max}");
    }

    private static JsonNode ToJson(GitChange change) => new JsonObject
    {
        ["change"] = change.IsGone ? "removed" : "added",
        ["revision"] = change.Revision,
        ["time"] = Printing.Time(change.Time),
        ["author"] = change.Author,
        ["subject"] = change.Subject,
    };

    private static ExitCode PrintPrivileges(Terminal terminal, PrivilegeDiff diff, bool json)
    {
        if (json)
            terminal.PrintJson("ctree-server.privileges/1", new JsonObject { ["changes"] = Printing.ToJson(diff.Changes), ["count"] = diff.Count });
        else
            foreach (var change in diff.Changes)
                terminal.Out.WriteLine(Printing.Privilege(change));
        return diff.Count == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static ExitCode PrintPackages(Terminal terminal, PackageChange[] changes, bool json)
    {
        if (json)
        {
            terminal.PrintJson("ctree-server.package-changes/1", new JsonObject
            {
                ["changes"] = new JsonArray([.. changes.Select(c => new JsonObject { ["kind"] = c.Kind, ["name"] = c.Name, ["before"] = c.Before, ["after"] = c.After })]),
            });
        }
        else
        {
            foreach (var change in changes)
                terminal.Out.WriteLine(change);
        }
        return changes.Length == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static char Letter(ChangeKind kind) => kind switch
    {
        ChangeKind.Added => 'A',
        ChangeKind.Removed => 'D',
        ChangeKind.Modified => 'M',
        _ => 'm',
    };

    private static JsonNode ToJson(TreeChange change) => new JsonObject
    {
        ["change"] = change.Kind switch { ChangeKind.Added => "added", ChangeKind.Removed => "removed", ChangeKind.Modified => "modified", _ => "metadata" },
        ["path"] = change.Path,
        ["sizeBefore"] = change.SizeBefore,
        ["sizeAfter"] = change.SizeAfter,
    };
}
