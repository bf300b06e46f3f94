using ContentTree.Store;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Ostree;

/// <summary>A "dirtree": what a directory holds. Its own metadata stands in another object, named beside it.</summary>
/// <param name="Files">Files and symlinks by their checksums.</param>
/// <param name="Directories">Subdirectories by the checksums of their dirtree and dirmeta.</param>
internal sealed record OstreeDirectory(
    IReadOnlyList<(EntryName Name, ObjectId Checksum)> Files, IReadOnlyList<(EntryName Name, ObjectId Tree, ObjectId Metadata)> Directories)
{
    /// <summary>Longest that is read: what a tree object may have.</summary>
    public const int MaxBytes = Tree.MaxEncodedBytes;

    private const string Type = "(a(say)a(sayay))";

    /// <exception cref="FormatException">It is none, or a name is no name or there twice.</exception>
    public static OstreeDirectory Decode(ReadOnlySpan<byte> bytes)
    {
        var value = new GVariant(bytes, Type);
        var decoded = new OstreeDirectory(ReadFiles(value[0]), ReadDirectories(value[1]));
        decoded.RequireEachNameOnce();
        return decoded.Encode().AsSpan().SequenceEqual(bytes) ? decoded : throw new FormatException("is written in a second way");
    }

    public byte[] Encode() => GVariantValue.Tuple(
        GVariantValue.Array(1, Files.Select(f => GVariantValue.Tuple(GVariantValue.Text(f.Name.Bytes), OstreeChecksum.Write(f.Checksum)))),
        GVariantValue.Array(1, Directories.Select(d =>
            GVariantValue.Tuple(GVariantValue.Text(d.Name.Bytes), OstreeChecksum.Write(d.Tree), OstreeChecksum.Write(d.Metadata))))).Bytes;

    private static (EntryName, ObjectId)[] ReadFiles(GVariant array)
    {
        var files = new (EntryName, ObjectId)[array.Count];
        for (var i = 0; i < files.Length; i++)
            files[i] = (ReadName(array[i][0]), OstreeChecksum.Read(array[i][1]));
        return files;
    }

    private static (EntryName, ObjectId, ObjectId)[] ReadDirectories(GVariant array)
    {
        var directories = new (EntryName, ObjectId, ObjectId)[array.Count];
        for (var i = 0; i < directories.Length; i++)
            directories[i] = (ReadName(array[i][0]), OstreeChecksum.Read(array[i][1]), OstreeChecksum.Read(array[i][2]));
        return directories;
    }

    private static EntryName ReadName(GVariant text) =>
        EntryName.TryCreate(text.Text, out var name) ? name : throw new FormatException($"names '{Posix.Display(text.Text)}', which is no file name");

    private void RequireEachNameOnce()
    {
        var names = new HashSet<EntryName>(Files.Count + Directories.Count);
        foreach (var name in Files.Select(f => f.Name).Concat(Directories.Select(d => d.Name)))
        {
            if (!names.Add(name))
                throw new FormatException($"names '{name}' twice");
        }
    }
}
