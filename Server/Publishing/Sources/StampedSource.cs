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
        var content = Content(provenance);
        var file = new ObjectName(ObjectKind.File, ObjectId.Of(content));
        writer.Write(file, content, encoder);
        var entry = new TreeEntry.File(path.Names[^1], Owned(FileMode), content.Length, file.Id);
        var graft = new TreeGraft(writer.Repository.ReadTree, tree => writer.Write(tree, encoder), _ => Owned(DirectoryMode));
        var stamped = graft.Put(import.Tree, [(path, entry)]);
        writer.Complete();
        var (entries, bytes, _) = new TreeTotals(writer.Repository.ReadTree).Of(stamped);
        return (import with { Tree = stamped, Entries = entries, Bytes = bytes }, provenance);
    }

    private Metadata Owned(int mode) => options.Owner is var (uid, gid) ? new Metadata(mode, uid, gid, []) : Metadata.Plain(mode);

    private byte[] Content(Provenance provenance)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in new[]
        {
            ("BRANCH", options.Branch.ToString()), ("VERSION", options.Version), ("SOURCE_URL", provenance.Source.Url),
            ("SOURCE_REVISION", provenance.Source.Revision), ("SOURCE_DESCRIBE", provenance.Source.Describe),
        })
            text.Append(name).Append("=\"").Append(Quoted(value)).Append("\"\n");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    // What a shell would take for more than a character gets a backslash.
    private static string Quoted(string value) =>
        string.Concat(value.Where(c => !char.IsControl(c)).Select(c => c is '"' or '\\' or '$' or '`' ? $"\\{c}" : $"{c}"));
}
