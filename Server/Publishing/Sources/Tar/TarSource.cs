using System.Text;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Publishing.Sources.Tar;

/// <summary>A tar archive, plain or packed with gzip, xz, zstd or lz4, or an image that a program makes one of.</summary>
/// <param name="image">That program; null for archives.</param>
internal sealed class TarSource(PublishOptions options, Decompressor? image = null) : ISource
{
    private static readonly EntryPath MetadataPath = EntryPath.Parse(MetadataRules.Path);
    private static readonly EntryPath BuildPath = EntryPath.Parse(BuiltSource.Program);
    private static readonly byte[] Whiteout = ".wh."u8.ToArray();
    private static readonly byte[] OpaqueWhiteout = ".wh..wh..opq"u8.ToArray();

    public string Key => ObjectId.Of(Encoding.UTF8.GetBytes(Path.GetFullPath(options.Source))).ToString()[..32];

    public (ImportResult Import, Provenance Provenance) Import(ObjectWriter writer, SafeFileHandle cache, CancellationToken cancellation)
    {
        // Twice through the archive: what a later file says leaves out must not get into the repository first.
        var rules = options.IsToBuildFrom ? SourceRules.Whole : ReadRules(cancellation);
        using var assembly = new TreeAssembly(writer, options.Owner, rules.Metadata);
        Walk((member, path, content) =>
        {
            if (!rules.LeavesOut(path, member.Kind == TarMemberKind.Directory))
                Add(member, path, content, assembly);
        }, cancellation);
        var import = assembly.Complete();
        writer.Complete();
        return (import, new Provenance(new CommitSource(image is null ? CommitSourceKind.Tar : CommitSourceKind.Image, Path.GetFileName(options.Source))));
    }

    private SourceRules ReadRules(CancellationToken cancellation)
    {
        var ignoreFiles = new Dictionary<EntryPath, byte[]>();
        var metadata = MetadataRules.None;
        Walk((member, path, content) =>
        {
            if (path.Names.Count == 0)
                return;
            if (path.Equals(BuildPath))
                throw BuiltSource.Refused();
            var isIgnoreFile = path.Names[^1].ToString() == IgnoreRules.FileName;
            if (member.Kind == TarMemberKind.HardLink && isIgnoreFile && ignoreFiles.TryGetValue(EntryPath.Parse(member.Target).Parent, out var known))
                ignoreFiles[path.Parent] = known;
            else if (member.Kind == TarMemberKind.HardLink && (isIgnoreFile || path.Equals(MetadataPath)))
                throw new FormatException("is a hard link to another kind of file; put the file itself there");
            else if (member.Kind == TarMemberKind.File && isIgnoreFile)
                ignoreFiles[path.Parent] = ReadSmall(member, content, IgnoreRules.MaxFileBytes);
            else if (member.Kind == TarMemberKind.File && path.Equals(MetadataPath))
                metadata = MetadataRules.Parse(ReadSmall(member, content, MetadataRules.MaxFileBytes));
        }, cancellation);
        return new SourceRules(ignoreFiles, metadata);
    }

    private static byte[] ReadSmall(TarMember member, Stream content, int maxBytes)
    {
        if (member.Size > maxBytes)
            throw new FormatException($"has more than {maxBytes} bytes");
        var bytes = new byte[member.Size];
        return content.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length ? bytes : throw new FormatException("ends too early");
    }

    private void Walk(Action<TarMember, EntryPath, Stream> visit, CancellationToken cancellation)
    {
        using var file = new PackedFile(options.Source, image);
        using var archive = new TarArchive(file.Content);
        try
        {
            Walk(archive, visit, cancellation);
            file.RequireEnd();
        }
        catch (FormatException e)
        {
            // Damage of what it is packed in is what one should hear of.
            throw new UnsupportedSourceException(options.Source, file.Complaint() ?? e.Message);
        }
    }

    private static void Walk(TarArchive archive, Action<TarMember, EntryPath, Stream> visit, CancellationToken cancellation)
    {
        while (archive.Next() is { } member)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                visit(member, EntryPath.Parse(member.Path), archive.Content);
            }
            catch (FormatException e)
            {
                throw new FormatException($"{member.Name}: {e.Message}", e);
            }
        }
    }

    private void Add(TarMember member, EntryPath path, Stream content, TreeAssembly assembly)
    {
        // In an image it is a name like others.
        if (image is null && path.Names.Count > 0 && path.Names[^1].Bytes.StartsWith(Whiteout))
        {
            Remove(path, assembly);
            return;
        }
        switch (member.Kind)
        {
            case TarMemberKind.File:
                assembly.AddFile(path, member.Metadata, member.Size, content);
                break;
            case TarMemberKind.HardLink:
                assembly.AddLink(path, EntryPath.Parse(member.Target));
                break;
            case TarMemberKind.Symlink:
                assembly.AddSymlink(path, member.Metadata, member.Target);
                break;
            case TarMemberKind.CharacterDevice or TarMemberKind.BlockDevice:
                assembly.AddDevice(path, member.Metadata, member.Kind == TarMemberKind.BlockDevice, member.Major, member.Minor);
                break;
            case TarMemberKind.Fifo:
                assembly.AddFifo(path, member.Metadata);
                break;
            default:
                assembly.AddDirectory(path, member.Metadata);
                break;
        }
    }

    // As in the layers of container images: ".wh.name" takes away what came before, ".wh..wh..opq" all of its directory.
    private static void Remove(EntryPath path, TreeAssembly assembly)
    {
        var parent = path.Parent;
        var name = path.Names[^1].Bytes;
        if (name.SequenceEqual(OpaqueWhiteout))
            assembly.Clear(parent);
        else
            assembly.Remove(parent.Append(EntryName.Create(name[Whiteout.Length..])));
    }
}
