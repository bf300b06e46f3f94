using System.CommandLine;
using System.Text.Json.Nodes;
using ContentTree.Server.Client;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>log</c>: the commits of a branch, newest first, back to where history was pruned.</summary>
internal static class LogCommand
{
    public static Command Create(CommandContext context)
    {
        var of = new Argument<string>("COMMIT") { Description = CommitReference.Help };
        var limit = new Option<int>("--limit") { Description = "commits to show at most", DefaultValueFactory = _ => 50 };
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        return CommandContext.Run(new Command("log", "The commits of a branch, newest first.") { of, limit, server, token, json }, async (parsed, cancellation) =>
        {
            using var access = await CommitAccess.OpenAsync(context, parsed, server, token, cancellation);
            var name = parsed.GetRequiredValue(of);
            var newest = await access.FindAsync(name, Reach.Commit, cancellation);
            var commits = await access.LogAsync(newest, parsed.GetValue(limit), cancellation);
            // A name may be that of a branch, and the digits of a commit as well.
            var sequences = BranchName.TryParse(name, out var branch) && !newest.ToString().StartsWith(name, StringComparison.Ordinal) ? await access.SequencesAsync(branch, cancellation) : new Dictionary<ObjectId, long>();
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.log/1", new JsonObject { ["commits"] = ToJson(commits, sequences) });
            else
                Print(context.Terminal, commits, sequences);
            return ExitCode.Done;
        });
    }

    private static void Print(Terminal terminal, IReadOnlyList<(ObjectId Id, Commit Commit)> commits, IReadOnlyDictionary<ObjectId, long> sequences) =>
        terminal.PrintTable(["SEQUENCE", "COMMIT", "CREATED", "VERSION", "SUBJECT"], [.. commits.Select(c => new[]
        {
            sequences.TryGetValue(c.Id, out var sequence) ? $"{sequence}" : "-",
            Printing.Short(c.Id), Printing.Time(c.Commit.Created), c.Commit.Version, c.Commit.Subject,
        })]);

    private static JsonArray ToJson(IReadOnlyList<(ObjectId Id, Commit Commit)> commits, IReadOnlyDictionary<ObjectId, long> sequences) => new([.. commits.Select(c => new JsonObject
    {
        ["id"] = c.Id.ToString(),
        ["sequence"] = sequences.TryGetValue(c.Id, out var sequence) ? sequence : null,
        ["created"] = Printing.Time(c.Commit.Created),
        ["version"] = c.Commit.Version,
        ["subject"] = c.Commit.Subject,
    })]);
}
