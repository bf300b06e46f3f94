using System.CommandLine;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trees;

namespace ContentTree.Deploy.Commands;

/// <summary><c>diff A B</c>: how two commits' trees differ; 0 when they do not, 1 when they do, 2 when that cannot be said.</summary>
internal static class DiffCommand
{
    public const string Name = "diff";

    public static Command Create(Globals globals)
    {
        var (left, right) = (CommitArgument.Create("A"), CommitArgument.Create("B"));
        var command = new Command(Name, "show how two commits differ: ends with 0 same, 1 different, 2 trouble") { left, right };
        command.SetAction(globals.Run((context, parse, _) =>
        {
            using var device = context.Open();
            var (from, to) = (StoredCommit.Find(device, parse.GetRequiredValue(left)), StoredCommit.Find(device, parse.GetRequiredValue(right)));
            var changes = TreeDiff.Compare(device.Store.ReadTree, from.Commit.Tree, to.Commit.Tree)
                .Select(change => new DiffEntry(Word(change.Kind), change.Path, change.SizeBefore, change.SizeAfter)).ToArray();
            context.Output.Write(
                new DiffDocument(from.Id, to.Id, changes), DocumentJson.Default.DiffDocument,
                diff => string.Concat(diff.Changes.Select(change => $"{change.Kind,-9} {change.Path}\n")));
            return Task.FromResult(changes.Length == 0 ? ExitCode.Done : ExitCode.Failed);
        }));
        return command;
    }

    private static string Word(ChangeKind kind) => kind switch
    {
        ChangeKind.Added => "added",
        ChangeKind.Removed => "removed",
        ChangeKind.Modified => "modified",
        _ => "metadata",
    };
}
