using System.CommandLine;
using System.Text.Json.Nodes;
using ContentTree.Server.Ostree;
using ContentTree.Server.Publishing;
using ContentTree.Server.Publishing.Sources.Ostree;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>export</c>: what a branch is at becomes another system's. The other system's name for it is the last line on stdout.</summary>
internal static class ExportCommand
{
    public static Command Create(CommandContext context) => new("export", "Hand out what a branch is at to another system.") { Ostree(context) };

    private static Command Ostree(CommandContext context)
    {
        var repository = new Argument<string>("REPO") { Description = "the repository's directory; made where there is none" };
        var branch = new Option<BranchName?>("--branch")
        {
            Description = "the branch whose newest commit is exported",
            HelpName = "BRANCH",
            Required = true,
            CustomParser = result => BranchName.TryParse(result.Tokens[0].Value, out var name)
                ? name
                : CommandContext.Fail<BranchName?>(result, $"'{result.Tokens[0].Value}' is no branch name"),
        };
        var reference = new Option<string?>("--ref") { Description = "the ref to move (default: the branch's name)", HelpName = "REF" };
        reference.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && (!OstreeAddress.IsRevision(text) || text.Contains(':', StringComparison.Ordinal)))
                result.AddError($"'{text}' is no ref of OSTree");
        });
        var json = CommandContext.Json();
        return CommandContext.Run(new Command("ostree", "Write a branch's newest commit into an OSTree repository of mode archive.") { repository, branch, reference, json }, (parsed, cancellation) =>
        {
            using var data = context.OpenData(parsed);
            var source = parsed.GetValue(branch) ?? throw new UsageException("--branch is missing");
            var name = parsed.GetValue(reference) ?? source.ToString();
            using var target = OstreeTarget.Open(parsed.GetRequiredValue(repository), cancellation);
            var (checksum, isNew) = Export(data, context, source, target, name, cancellation);
            context.Terminal.Error.WriteLine(isNew ? $"{name} is at {checksum}: {target.Written} new objects, {target.WrittenBytes} bytes at rest" : $"nothing new: {name} has this commit already");
            if (File.Exists(Path.Combine(target.Path, OstreeSummary.FileName)) && isNew)
                context.Terminal.Error.WriteLine($"{target.Path} has a summary, which still tells of before: 'ostree summary --update' renews it");
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.exported/1", new JsonObject { ["ref"] = name, ["checksum"] = checksum.ToString(), ["isNew"] = isNew, ["objects"] = target.Written, ["bytes"] = target.WrittenBytes });
            else
                context.Terminal.Out.WriteLine(checksum);
            return ExitCode.Done;
        });
    }

    private static (ObjectId Checksum, bool IsNew) Export(DataDirectory data, CommandContext context, BranchName branch, OstreeTarget target, string name, CancellationToken cancellation)
    {
        // Keeps garbage collection out.
        using var guard = data.Repository.BeginWriting();
        var head = new Branches(data, context.Time).ReadHead(branch);
        var commit = data.Repository.ReadCommit(head.Commit);
        using var map = new OstreeMap(Path.Combine(data.Path, "cache"));
        using var export = new OstreeExport(data.Repository, target, map, cancellation);
        var parent = target.FindRef(name);
        var before = parent is { } present ? target.Repository.ReadCommit(present) : null;
        var (tree, metadata) = export.Write(commit.Tree);
        if (before is not null && before.Exported == head.Commit.ToString() && (before.Root, before.RootMetadata) == (tree, metadata))
            return (parent!.Value, false);
        var checksum = export.Put("commit", new OstreeCommit
        {
            Root = tree,
            RootMetadata = metadata,
            Parent = parent,
            Subject = commit.Subject,
            Body = commit.Body,
            Version = commit.Version,
            Timestamp = (ulong)commit.Created.ToUnixTimeSeconds(),
            Refs = [name],
            Exported = head.Commit.ToString(),
        }.Encode());
        target.MoveRef(name, parent, checksum);
        return (checksum, true);
    }
}
