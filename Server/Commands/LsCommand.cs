using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using ContentTree.Server.Client;
using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Commands;

/// <summary><c>ls</c>: what a commit has at a path.</summary>
internal static class LsCommand
{
    public static Command Create(CommandContext context)
    {
        var of = new Argument<string>("COMMIT") { Description = CommitReference.Help };
        var path = new Argument<string>("PATH") { Description = "where in the tree (default: its root)", DefaultValueFactory = _ => "/" };
        var recursive = new Option<bool>("--recursive", "-R") { Description = "also everything below" };
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        return CommandContext.Run(new Command("ls", "What a commit has at a path.") { of, path, recursive, server, token, json }, async (parsed, cancellation) =>
        {
            using var commits = await CommitAccess.OpenAsync(context, parsed, server, token, cancellation);
            var commit = await commits.FindAsync(parsed.GetRequiredValue(of), Reach.Trees, cancellation);
            var entries = List(commits.Data, commit, parsed.GetValue(path) ?? "/", parsed.GetValue(recursive), cancellation);
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.entries/1", new JsonObject { ["commit"] = commit.ToString(), ["entries"] = new JsonArray([.. entries.Select(ToJson)]) });
            else
                foreach (var entry in entries)
                    context.Terminal.Out.WriteLine(ToLine(entry));
            return ExitCode.Done;
        });
    }

    private static IEnumerable<Listed> List(DataDirectory data, ObjectId commit, string path, bool recursive, CancellationToken cancellation)
    {
        var root = data.Repository.ReadCommit(commit).Tree;
        var prefix = string.Join('/', path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(s => s != "."));
        return TreePath.Find(data.Repository.ReadTree, root, path) switch
        {
            null => Below(data, root, "", recursive, cancellation),
            TreeEntry.Directory directory => Below(data, directory.Id, prefix + "/", recursive, cancellation),
            var entry => [Describe(data, entry, prefix)],
        };
    }

    private static IEnumerable<Listed> Below(DataDirectory data, ObjectId tree, string prefix, bool recursive, CancellationToken cancellation)
    {
        foreach (var entry in data.Repository.ReadTree(tree).Entries)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return Describe(data, entry, prefix + entry.Name);
            if (!recursive || entry is not TreeEntry.Directory directory)
                continue;
            foreach (var below in Below(data, directory.Id, prefix + entry.Name + "/", recursive, cancellation))
                yield return below;
        }
    }

    private static Listed Describe(DataDirectory data, TreeEntry entry, string path) => entry switch
    {
        TreeEntry.File file => new('-', file.Metadata, file.Size, path, Id: file.Id),
        TreeEntry.Symlink link => new('l', link.Metadata, 0, path, Target: Posix.Display(link.Target)),
        TreeEntry.Directory directory => new('d', data.Repository.ReadTree(directory.Id).Metadata, 0, path, Id: directory.Id),
        TreeEntry.Device device => new(device.IsBlock ? 'b' : 'c', device.Metadata, 0, path, Device: $"{device.Major},{device.Minor}"),
        TreeEntry.Fifo fifo => new('p', fifo.Metadata, 0, path),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static string ToLine(Listed entry) => string.Create(CultureInfo.InvariantCulture,
        $"{entry.Kind}{Convert.ToString(entry.Metadata.Mode, 8).PadLeft(4, '0')} {entry.Metadata.Uid,5} {entry.Metadata.Gid,5} {entry.Device ?? $"{entry.Size}",12} {entry.Path}{(entry.Target is null ? "" : " -> " + entry.Target)}");

    private static JsonNode ToJson(Listed entry)
    {
        var json = new JsonObject
        {
            ["path"] = entry.Path,
            ["kind"] = entry.Kind switch { '-' => "file", 'l' => "symlink", 'd' => "directory", 'b' => "block", 'c' => "character", _ => "fifo" },
            ["mode"] = Convert.ToString(entry.Metadata.Mode, 8),
            ["uid"] = entry.Metadata.Uid,
            ["gid"] = entry.Metadata.Gid,
            ["size"] = entry.Size,
        };
        if (entry.Id is { } id)
            json["id"] = id.ToString();
        if (entry.Target is not null)
            json["target"] = entry.Target;
        if (entry.Device is not null)
            json["device"] = entry.Device;
        if (entry.Metadata.Xattrs.Count > 0)
            json["xattrs"] = new JsonObject(entry.Metadata.Xattrs.Select(x => KeyValuePair.Create(Posix.Display(x.Name), (JsonNode?)Convert.ToHexStringLower(x.Value))));
        return json;
    }

    private sealed record Listed(char Kind, Metadata Metadata, long Size, string Path, ObjectId? Id = null, string? Target = null, string? Device = null);
}
