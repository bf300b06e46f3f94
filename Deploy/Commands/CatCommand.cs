using System.CommandLine;
using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;

namespace ContentTree.Deploy.Commands;

/// <summary><c>cat COMMIT PATH</c>: a file's bytes, as they are, also with --json.</summary>
internal static class CatCommand
{
    private const int BufferBytes = 128 * 1024;

    public static Command Create(Globals globals)
    {
        var commit = CommitArgument.Create();
        var path = new Argument<string>("PATH") { Description = "a file in the tree" };
        var command = new Command("cat", "print a file of a commit") { commit, path };
        command.SetAction(globals.Run((context, parse, _) =>
        {
            using var device = context.Open();
            var complete = StoredCommit.Find(device, parse.GetRequiredValue(commit));
            var where = parse.GetRequiredValue(path);
            if (TreePath.Find(device.Store.ReadTree, complete.Commit.Tree, where) is not TreeEntry.File file)
                throw new NotFoundException($"{where}: not a regular file");
            if (file.Size > 0)
                Copy(device, file, context.Output.Raw);
            context.Output.Raw.Flush();
            return Task.FromResult(ExitCode.Done);
        }));
        return command;
    }

    private static void Copy(Device device, TreeEntry.File file, Stream output)
    {
        using var source = device.Store.OpenFile(new StoredFile(file.Id, file.Metadata.Digest()));
        var buffer = new byte[BufferBytes];
        for (int count; (count = Posix.Read(source, buffer, file.Name.ToString())) > 0;)
            output.Write(buffer, 0, count);
    }
}
