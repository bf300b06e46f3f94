using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trees;

namespace ContentTree.Deploy.Commands;

/// <summary><c>ls COMMIT [PATH]</c>: what a commit has at a path.</summary>
internal static class LsCommand
{
    public static Command Create(Globals globals)
    {
        var commit = CommitArgument.Create();
        var path = new Argument<string>("PATH") { Description = "where in the tree, the root unless told", DefaultValueFactory = _ => "/" };
        var command = new Command("ls", "list what a commit has at a path") { commit, path };
        command.SetAction(globals.Run((context, parse, _) =>
        {
            using var device = context.Open();
            var complete = StoredCommit.Find(device, parse.GetRequiredValue(commit));
            var where = parse.GetRequiredValue(path);
            var document = new ListDocument(complete.Id, where, [.. List(device, complete.Commit.Tree, where)]);
            context.Output.Write(document, DocumentJson.Default.ListDocument, list => string.Concat(list.Entries.Select(Line)));
            return Task.FromResult(ExitCode.Done);
        }));
        return command;
    }

    private static IEnumerable<ListEntry> List(Device device, ObjectId root, string path) => TreePath.Find(device.Store.ReadTree, root, path) switch
    {
        null => Below(device, root),
        TreeEntry.Directory directory => Below(device, directory.Id),
        var entry => [Describe(device, entry)],
    };

    private static IEnumerable<ListEntry> Below(Device device, ObjectId tree) =>
        device.Store.ReadTree(tree).Entries.Select(entry => Describe(device, entry));

    private static ListEntry Describe(Device device, TreeEntry entry) => entry switch
    {
        TreeEntry.File file => New(entry, "file", file.Metadata) with { Size = file.Size, Id = file.Id },
        TreeEntry.Symlink link => New(entry, "symlink", link.Metadata) with { Target = Posix.Display(link.Target) },
        TreeEntry.Directory directory => New(entry, "directory", device.Store.ReadTree(directory.Id).Metadata) with { Id = directory.Id },
        TreeEntry.Device node => New(entry, node.IsBlock ? "block" : "character", node.Metadata) with { Target = $"{node.Major},{node.Minor}" },
        TreeEntry.Fifo fifo => New(entry, "fifo", fifo.Metadata),
        _ => throw new UnreachableException(),
    };

    private static ListEntry New(TreeEntry entry, string kind, Metadata metadata) =>
        new(entry.Name.ToString(), kind, Convert.ToString(metadata.Mode, 8).PadLeft(4, '0'), metadata.Uid, metadata.Gid, 0, null, null);

    private static string Line(ListEntry entry) => string.Create(CultureInfo.InvariantCulture,
        $"{entry.Kind,-9} {entry.Mode} {entry.Uid,5} {entry.Gid,5} {entry.Size,12} {entry.Name}{(entry.Target is null ? "" : $" -> {entry.Target}")}\n");
}
