using System.CommandLine;
using System.Text.Json.Nodes;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
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
        var json = CommandContext.Json();
        return CommandContext.Run(new Command("log", "The commits of a branch, newest first.") { of, limit, json }, (parsed, _) =>
        {
            using var data = context.OpenData(parsed);
            var name = parsed.GetRequiredValue(of);
            var log = new CommitLog(data, context.Time);
            var commits = log.Walk(CommitReference.Resolve(data, context.Time, name)).Take(parsed.GetValue(limit)).ToArray();
            var sequences = BranchName.TryParse(name, out var branch) ? log.Sequences(branch) : new Dictionary<ObjectId, long>();
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.log/1", new JsonObject { ["commits"] = ToJson(commits, sequences) });
            else
                Print(context.Terminal, commits, sequences);
            return ExitCode.Done;
        });
    }

    private static void Print(Terminal terminal, (ObjectId Id, Commit Commit)[] commits, IReadOnlyDictionary<ObjectId, long> sequences) =>
        terminal.PrintTable(["SEQUENCE", "COMMIT", "CREATED", "VERSION", "SUBJECT"], [.. commits.Select(c => new[]
        {
            sequences.TryGetValue(c.Id, out var sequence) ? $"{sequence}" : "-",
            Printing.Short(c.Id), Printing.Time(c.Commit.Created), c.Commit.Version, c.Commit.Subject,
        })]);

    private static JsonArray ToJson((ObjectId Id, Commit Commit)[] commits, IReadOnlyDictionary<ObjectId, long> sequences) => new([.. commits.Select(c => new JsonObject
    {
        ["id"] = c.Id.ToString(),
        ["sequence"] = sequences.TryGetValue(c.Id, out var sequence) ? sequence : null,
        ["created"] = Printing.Time(c.Commit.Created),
        ["version"] = c.Commit.Version,
        ["subject"] = c.Commit.Subject,
    })]);
}
