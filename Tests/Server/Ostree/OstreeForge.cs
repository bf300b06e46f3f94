using System.IO.Compression;
using System.Text;
using ContentTree.Server.Ostree;
using ContentTree.Store.Objects;

namespace ContentTree.Tests.Server.Ostree;

/// <summary>Makes OSTree repositories of whatever bytes, also of those that the program would never write.</summary>
internal sealed class OstreeForge
{
    public static readonly OstreeHeader Directory = new(0, 0, OstreeHeader.Directory | 0x1ed, [], []);
    public static readonly OstreeHeader File = new(0, 0, OstreeHeader.RegularFile | 0x1a4, [], []);
    public static readonly OstreeHeader Link = new(0, 0, OstreeHeader.SymbolicLink | 0x1ff, "target"u8.ToArray(), []);

    public OstreeForge(string path)
    {
        Path = path;
        System.IO.Directory.CreateDirectory(System.IO.Path.Combine(path, "refs/heads"));
        Write("config", "[core]\nrepo_version=1\nmode=archive-z2\n"u8);
    }

    public string Path { get; }

    public string this[string path] => System.IO.Path.Combine(Path, path);

    public void Write(string path, ReadOnlySpan<byte> bytes)
    {
        System.IO.Directory.CreateDirectory(System.IO.Path.GetDirectoryName(this[path])!);
        System.IO.File.WriteAllBytes(this[path], bytes.ToArray());
    }

    /// <summary>An object of any bytes, under its checksum.</summary>
    public ObjectId Add(string suffix, ReadOnlySpan<byte> bytes)
    {
        var checksum = ObjectId.Of(bytes);
        Write(OstreeChecksum.PathOf(checksum, suffix), bytes);
        return checksum;
    }

    public ObjectId AddMetadata(OstreeHeader header) => Add("dirmeta", header.EncodeMetadata());

    public ObjectId AddDirectory(params (string Name, ObjectId Checksum)[] files) => Add("dirtree", EncodeDirectory([.. files.Select(f => (Encoding.UTF8.GetBytes(f.Name), f.Checksum))], []));

    public ObjectId AddParent(params (string Name, ObjectId Tree, ObjectId Metadata)[] directories) =>
        Add("dirtree", EncodeDirectory([], [.. directories.Select(d => (Encoding.UTF8.GetBytes(d.Name), d.Tree, d.Metadata))]));

    /// <summary>A dirtree with any names.</summary>
    public static byte[] EncodeDirectory((byte[] Name, ObjectId Checksum)[] files, (byte[] Name, ObjectId Tree, ObjectId Metadata)[] directories) => GVariantValue.Tuple(
        GVariantValue.Array(1, files.Select(f => GVariantValue.Tuple(GVariantValue.Text(f.Name), OstreeChecksum.Write(f.Checksum)))),
        GVariantValue.Array(1, directories.Select(d => GVariantValue.Tuple(GVariantValue.Text(d.Name), OstreeChecksum.Write(d.Tree), OstreeChecksum.Write(d.Metadata))))).Bytes;

    /// <param name="told">The size that the archive tells; what it is unless told.</param>
    public ObjectId AddFile(OstreeHeader header, string content, long? told = null, byte[]? packed = null)
    {
        var bytes = Encoding.UTF8.GetBytes(content);
        var checksum = ObjectId.Of([.. OstreeHeader.Framed(header.Encode()), .. bytes]);
        Write(OstreeChecksum.PathOf(checksum, "filez"), [.. OstreeHeader.Framed(header.EncodeArchived(told ?? bytes.Length)), .. packed ?? (header.Kind == OstreeHeader.RegularFile ? Deflate(bytes) : bytes)]);
        return checksum;
    }

    public static byte[] Deflate(byte[] bytes)
    {
        if (bytes.Length == 0)
            return [3, 0];
        using var packed = new MemoryStream();
        using (var deflate = new DeflateStream(packed, CompressionLevel.Optimal))
            deflate.Write(bytes);
        return packed.ToArray();
    }

    /// <summary>Leads a ref to a commit.</summary>
    public ObjectId Commit(ObjectId tree, ObjectId metadata, params string[] refs) => Commit(new OstreeCommit { Root = tree, RootMetadata = metadata, Subject = "forged", Refs = refs.Length > 0 ? refs : null }.Encode());

    public ObjectId Commit(ReadOnlySpan<byte> commit)
    {
        var checksum = Add("commit", commit);
        Write("refs/heads/main", Encoding.ASCII.GetBytes(checksum + "\n"));
        return checksum;
    }

    /// <summary>A commit with nothing but one file, called "file".</summary>
    public void CommitFile(ObjectId file) => Commit(AddDirectory(("file", file)), AddMetadata(Directory));

    /// <summary>A commit whose root is this dirtree.</summary>
    public void CommitDirectory(byte[] dirtree) => Commit(Add("dirtree", dirtree), AddMetadata(Directory));
}
