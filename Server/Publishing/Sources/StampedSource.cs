using System.Text;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Publishing.Sources;

/// <summary>
/// A source with a file in its tree that says of what it was made: lines NAME="value" as in os-release(5). Which commit the tree is in, and
/// at which sequence, cannot stand in it: /run/ctree/booted says that.
/// </summary>
internal sealed class StampedSource(ISource source, PublishOptions options, EntryPath path) : ISource
{
    private const int FileMode = 0x1a4;
    private const int DirectoryMode = 0x1ed;

    public string Key => source.Key;

    public (ImportResult Import, Provenance Provenance) Import(ObjectWriter writer, SafeFileHandle cache, CancellationToken cancellation)
    {
        var (import, provenance) = source.Import(writer, cache, cancellation);
        using var encoder = new Lz4Encoder();
        var (added, replaced) = Place(writer, import.Tree);
        var content = Content(provenance);
        var file = new ObjectName(ObjectKind.File, ObjectId.Of(content));
        writer.Write(file, content, encoder);
        var entry = new TreeEntry.File(path.Names[^1], Owned(FileMode), content.Length, file.Id);
        var graft = new TreeGraft(writer.Repository.ReadTree, tree => writer.Write(tree, encoder), _ => Owned(DirectoryMode));
        var stamped = graft.Put(import.Tree, [(path, entry)]);
        writer.Complete();
        return (import with { Tree = stamped, Entries = import.Entries + added, Bytes = import.Bytes + content.Length - replaced }, provenance);
    }

    public void Published(ObjectId tree, Repository repository, SafeFileHandle cache) => source.Published(tree, repository, cache);

    // Entries that are not there yet on the way to the file, and the bytes of one that it takes the place of.
    private (int Added, long Replaced) Place(ObjectWriter writer, ObjectId root)
    {
        var directory = writer.Repository.ReadTree(root);
        for (var i = 0; i < path.Names.Count; i++)
        {
            switch (directory.Find(path.Names[i]))
            {
                case null:
                    return (path.Names.Count - i, 0);
                case TreeEntry.Directory inside when i < path.Names.Count - 1:
                    directory = writer.Repository.ReadTree(inside.Id);
                    break;
                case TreeEntry.File file when i == path.Names.Count - 1:
                    return (0, file.Size);
                default:
                    throw new UnsupportedSourceException(path.ToString(), "cannot be stamped: something else than a file or its directories is there");
            }
        }
        throw new System.Diagnostics.UnreachableException();
    }

    private Metadata Owned(int mode) => options.Owner is var (uid, gid) ? new Metadata(mode, uid, gid, []) : Metadata.Plain(mode);

    private byte[] Content(Provenance provenance)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in new[]
        {
            ("BRANCH", options.Branch.ToString()), ("VERSION", options.VersionOf(provenance)), ("SOURCE_URL", provenance.Source.Url),
            ("SOURCE_REVISION", provenance.Source.Revision), ("SOURCE_DESCRIBE", provenance.Source.Describe),
        })
            text.Append(name).Append("=\"").Append(Quoted(value)).Append("\"\n");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    // What a shell would take for more than a character gets a backslash.
    private static string Quoted(string value) =>
        string.Concat(value.Where(c => !char.IsControl(c)).Select(c => c is '"' or '\\' or '$' or '`' ? $"\\{c}" : $"{c}"));
}
