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
            var commits = Walk(data, CommitReference.Resolve(data, context.Time, name)).Take(parsed.GetValue(limit)).ToArray();
            var sequences = BranchName.TryParse(name, out var branch) ? Sequences(data, context.Time, branch) : [];
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.log/1", new JsonObject { ["commits"] = ToJson(commits, sequences) });
            else
                Print(context.Terminal, commits, sequences);
            return ExitCode.Done;
        });
    }

    private static IEnumerable<(ObjectId Id, Commit Commit)> Walk(DataDirectory data, ObjectId newest)
    {
        for (ObjectId? next = newest; next is { } id && data.Repository.Contains(new ObjectName(ObjectKind.Commit, id));)
        {
            var commit = data.Repository.ReadCommit(id);
            yield return (id, commit);
            next = commit.Parents.Count > 0 ? commit.Parents[0] : null;
        }
    }

    private static Dictionary<ObjectId, long> Sequences(DataDirectory data, TimeProvider time, BranchName branch)
    {
        var branches = new Branches(data, time);
        var sequences = new Dictionary<ObjectId, long>();
        foreach (var sequence in data.Repository.Heads.ArchivedSequences(branch))
        {
            if (branches.ReadArchived(branch, sequence) is { } head)
                sequences[head.Commit] = sequence;
        }
        return sequences;
    }

    private static void Print(Terminal terminal, (ObjectId Id, Commit Commit)[] commits, Dictionary<ObjectId, long> sequences) =>
        terminal.PrintTable(["SEQUENCE", "COMMIT", "CREATED", "VERSION", "SUBJECT"], [.. commits.Select(c => new[]
        {
            sequences.TryGetValue(c.Id, out var sequence) ? $"{sequence}" : "-",
            Printing.Short(c.Id), Printing.Time(c.Commit.Created), c.Commit.Version, c.Commit.Subject,
        })]);

    private static JsonArray ToJson((ObjectId Id, Commit Commit)[] commits, Dictionary<ObjectId, long> sequences) => new([.. commits.Select(c => new JsonObject
    {
        ["id"] = c.Id.ToString(),
        ["sequence"] = sequences.TryGetValue(c.Id, out var sequence) ? sequence : null,
        ["created"] = Printing.Time(c.Commit.Created),
        ["version"] = c.Commit.Version,
        ["subject"] = c.Commit.Subject,
    })]);
}
