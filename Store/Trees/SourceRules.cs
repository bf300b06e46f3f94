using ContentTree.Store.Objects;

namespace ContentTree.Store.Trees;

/// <summary>What a source says of itself: what is left out of the tree, and what its own form cannot hold. For one thread.</summary>
public sealed class SourceRules
{
    private static readonly byte[] OwnDirectory = System.Text.Encoding.ASCII.GetBytes(MetadataRules.DirectoryName);
    private static readonly byte[] IgnoreFile = System.Text.Encoding.ASCII.GetBytes(IgnoreRules.FileName);

    private readonly Dictionary<EntryPath, byte[]> _files;
    private bool _isWhole;
    private readonly Dictionary<EntryPath, (IgnoreRules Inside, bool IsLeftOut)> _directories = [];

    /// <param name="ignoreFiles">The contents of all <see cref="IgnoreRules.FileName"/> files by their directories.</param>
    public SourceRules(Dictionary<EntryPath, byte[]> ignoreFiles, MetadataRules metadata)
    {
        (_files, Metadata) = (ignoreFiles, metadata);
        _directories.Add(EntryPath.Root, (Inside(EntryPath.Root, IgnoreRules.None), false));
    }

    /// <summary>Leaves nothing out, not even what is about the source: for who builds from it.</summary>
    public static SourceRules Whole => new([], MetadataRules.None) { _isWhole = true };

    public MetadataRules Metadata { get; }

    /// <summary>Whether an entry, or a directory above it, is not part of the tree.</summary>
    public bool LeavesOut(EntryPath path, bool isDirectory) =>
        path.Names.Count > 0 && ((!_isWhole && IsAboutTheSource(path)) || (isDirectory ? Directory(path).IsLeftOut : IsLeftOut(path, isDirectory: false)));

    /// <summary>Whether the entry only says something of the source.</summary>
    public static bool IsAboutTheSource(EntryPath path) =>
        path.Names[0].Bytes.SequenceEqual(OwnDirectory) || path.Names[^1].Bytes.SequenceEqual(IgnoreFile);

    private (IgnoreRules Inside, bool IsLeftOut) Directory(EntryPath path)
    {
        if (_directories.TryGetValue(path, out var known))
            return known;
        var isLeftOut = IsLeftOut(path, isDirectory: true);
        known = (isLeftOut ? IgnoreRules.None : Inside(path, Directory(path.Parent).Inside), isLeftOut);
        _directories.Add(path, known);
        return known;
    }

    private bool IsLeftOut(EntryPath path, bool isDirectory)
    {
        var (inside, parentIsLeftOut) = Directory(path.Parent);
        return parentIsLeftOut || inside.IsIgnored(path, isDirectory);
    }

    private IgnoreRules Inside(EntryPath directory, IgnoreRules outer) => _files.TryGetValue(directory, out var file) ? outer.Within(directory, file) : outer;
}
