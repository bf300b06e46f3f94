using System.Text;
using ContentTree.Store.Objects;
using ContentTree.Store.Trees;
using LibGit2Sharp;

namespace ContentTree.Server.Publishing.Sources.Git;

/// <summary>Adds what a git commit holds to a tree. Git knows one bit of a file's mode, and no owners: everything is root's.</summary>
internal sealed class GitTreeReader(
    GitMirror mirror, GitAddress address, string mirrors, TreeAssembly assembly, CancellationToken cancellation)
{
    private const int MaxSubmoduleDepth = 8;
    private const int MaxLfsPointer = 1024;

    private static readonly Metadata Plain = Metadata.Plain(0x1a4);
    private static readonly Metadata Executable = Metadata.Plain(0x1ed);
    private static readonly Metadata Directory = Metadata.Plain(0x1ed);

    private static readonly EntryName IgnoreFile = EntryName.Create(IgnoreRules.FileName);

    private readonly Dictionary<EntryPath, IgnoreRules?> _rules = [];
    private int _depth;
    private GitModules? _modules;

    /// <summary>Also what is about the source is added, and nothing is left out for it.</summary>
    public bool IsWhole { get; init; }

    /// <summary>Makes a directory of the repository the root of the new tree.</summary>
    /// <exception cref="UnsupportedSourceException">Something there cannot be in a tree; the message names it.</exception>
    public void Add(LibGit2Sharp.Commit commit, LibGit2Sharp.Tree directory, EntryPath inside) => Add(commit, directory, EntryPath.Root, inside);

    /// <summary>Brings a tree that was made of an earlier revision to where this one is.</summary>
    /// <param name="root">This revision's.</param>
    /// <exception cref="UnsupportedSourceException">Something there cannot be in a tree, or not so: reading all of it tells.</exception>
    public void Add(LibGit2Sharp.Tree root, GitChanges changes)
    {
        // First: what was a directory may be a file by now.
        foreach (var path in changes.Removed)
        {
            cancellation.ThrowIfCancellationRequested();
            assembly.Remove(path);
            for (var above = path.Parent; above.Names.Count > 0 && assembly.IsEmptyDirectory(above) && root[Text(above)]?.Target is not LibGit2Sharp.Tree; above = above.Parent)
                assembly.Remove(above);
        }
        foreach (var path in changes.Written)
        {
            cancellation.ThrowIfCancellationRequested();
            AddDirectories(root, path.Parent);
            if (DirectoryRules(root, path.Parent) is { } rules && !rules.IsIgnored(path, isDirectory: false))
                Add(root[Text(path)] ?? throw new UnsupportedSourceException(path.ToString(), "is missing in the repository's mirror"), path, path, rules);
        }
    }

    // Also those in which everything is left out.
    private void AddDirectories(LibGit2Sharp.Tree root, EntryPath path)
    {
        for (var depth = 1; depth <= path.Names.Count && path.FirstNames(depth) is var directory && DirectoryRules(root, directory) is not null; depth++)
        {
            if (!assembly.Contains(directory))
                assembly.AddDirectory(directory, Directory);
        }
    }

    // What is left out in a directory; null where it is left out itself.
    private IgnoreRules? DirectoryRules(LibGit2Sharp.Tree root, EntryPath path)
    {
        if (_rules.TryGetValue(path, out var known))
            return known;
        IgnoreRules? rules;
        if (path.Names.Count == 0)
            rules = Within(root, path, IgnoreRules.None);
        else if (DirectoryRules(root, path.Parent) is { } outer && !outer.IsIgnored(path, isDirectory: true))
            rules = Within(root[Text(path)]?.Target as LibGit2Sharp.Tree ?? throw new UnsupportedSourceException(path.ToString(), "its directory is missing in the repository's mirror"), path, outer);
        else
            rules = null;
        return _rules[path] = rules;
    }

    /// <summary>A path as git and its library take it.</summary>
    public static string Text(EntryPath path) => string.Join('/', path.Names.Select(name => Encoding.UTF8.GetString(name.Bytes)));

    private void Add(LibGit2Sharp.Commit commit, LibGit2Sharp.Tree directory, EntryPath at, EntryPath inside)
    {
        _modules = new GitModules(mirror, commit.Sha, address, cancellation);
        Add(directory, at, inside, IgnoreRules.None);
    }

    // The path in the new tree, and the one in this repository: in a submodule they differ.
    private void Add(LibGit2Sharp.Tree tree, EntryPath at, EntryPath inside, IgnoreRules outer)
    {
        if (tree is null)
            throw new UnsupportedSourceException(at.ToString(), "its directory is missing in the repository's mirror");
        assembly.AddDirectory(at, Directory);
        var ignored = IsWhole ? IgnoreRules.None : Within(tree, at, outer);
        foreach (var (name, entry) in Names(tree))
        {
            cancellation.ThrowIfCancellationRequested();
            var path = at.Append(name);
            if ((!IsWhole && SourceRules.IsAboutTheSource(path)) || ignored.IsIgnored(path, entry.Mode is Mode.Directory or Mode.GitLink))
                continue;
            if (name.ToString().Equals(".git", StringComparison.OrdinalIgnoreCase))
                throw new UnsupportedSourceException(path.ToString(), "would be a git repository's own directory");
            Add(entry, path, inside.Append(name), ignored);
        }
    }

    private void Add(LibGit2Sharp.TreeEntry entry, EntryPath path, EntryPath inside, IgnoreRules ignored)
    {
        switch (entry.Mode)
        {
            case Mode.Directory:
                Add((LibGit2Sharp.Tree)entry.Target, path, inside, ignored);
                break;
            case Mode.SymbolicLink:
                AddSymlink((Blob)entry.Target, path);
                break;
            case Mode.GitLink:
                AddSubmodule(entry, path, inside);
                break;
            case Mode.NonExecutableFile or Mode.NonExecutableGroupWritableFile or Mode.ExecutableFile:
                AddFile((Blob)entry.Target, path, entry.Mode == Mode.ExecutableFile ? Executable : Plain);
                break;
            default:
                throw new UnsupportedSourceException(path.ToString(), $"is of a kind that no tree can hold (git mode {entry.Mode})");
        }
    }

    private void AddFile(Blob blob, EntryPath path, Metadata metadata)
    {
        using var content = Open(blob, path);
        if (blob.Size <= MaxLfsPointer && IsLfsPointer(blob, path))
            throw new UnsupportedSourceException(path.ToString(), "is a pointer of Git LFS and not the file itself; publish a directory in which 'git lfs pull' has put the files");
        assembly.AddFile(path, metadata, blob.Size, content);
    }

    private void AddSymlink(Blob blob, EntryPath path)
    {
        assembly.AddSymlink(path, Plain, ReadSmall(blob, path, Store.Objects.TreeEntry.Symlink.MaxTarget));
    }

    private void AddSubmodule(LibGit2Sharp.TreeEntry entry, EntryPath path, EntryPath inside)
    {
        var sha = entry.Target?.Sha ?? throw new UnsupportedSourceException(path.ToString(), "is a submodule at no commit");
        var from = _modules!.Find(inside, path, sha);
        if (_depth == MaxSubmoduleDepth)
            throw new UnsupportedSourceException(path.ToString(), $"is a submodule nested deeper than {MaxSubmoduleDepth}");
        var inner = new GitMirror(mirrors, from);
        inner.Resolve(sha, cancellation);
        using var opened = new Repository(inner.Path);
        var commit = opened.Lookup<LibGit2Sharp.Commit>(sha) ?? throw new UnsupportedSourceException(path.ToString(), $"its submodule's commit {sha} is not in {from.Shown}");
        new GitTreeReader(inner, from, mirrors, assembly, cancellation) { _depth = _depth + 1, IsWhole = IsWhole }.Add(commit, commit.Tree, path, EntryPath.Root);
    }

    private static IgnoreRules Within(LibGit2Sharp.Tree tree, EntryPath at, IgnoreRules outer)
    {
        if (tree[IgnoreRules.FileName]?.Target is not Blob blob)
            return outer;
        return outer.Within(at, ReadSmall(blob, at.Append(IgnoreFile), IgnoreRules.MaxFileBytes));
    }

    /// <summary>All of a file that is about the source.</summary>
    /// <exception cref="UnsupportedSourceException">It is larger than such a file may be, or missing in the mirror.</exception>
    public static byte[] ReadSmall(Blob blob, EntryPath path, int maxBytes)
    {
        using var content = Open(blob, path);
        if (blob.Size > maxBytes)
            throw new UnsupportedSourceException(path.ToString(), $"has more than {maxBytes} bytes");
        var bytes = new byte[blob.Size];
        content.ReadExactly(bytes);
        return bytes;
    }

    private static Stream Open(Blob blob, EntryPath path) => blob?.GetContentStream() ?? throw new UnsupportedSourceException(path.ToString(), "its content is missing in the repository's mirror");

    private static bool IsLfsPointer(Blob blob, EntryPath path)
    {
        using var content = Open(blob, path);
        var begin = "version https://git-lfs.github.com/spec/"u8;
        Span<byte> start = stackalloc byte[begin.Length];
        return content.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.SequenceEqual(begin);
    }

    // The library gives names as text; those that are not UTF-8 are read from the tree's own bytes.
    private IEnumerable<(EntryName Name, LibGit2Sharp.TreeEntry Entry)> Names(LibGit2Sharp.Tree tree)
    {
        var entries = tree.ToArray();
        var names = Array.TrueForAll(entries, e => !e.Name.Contains('\ufffd')) ? [.. entries.Select(e => Encoding.UTF8.GetBytes(e.Name))] : RawNames(tree);
        return names.Length == entries.Length
            ? names.Zip(entries, (name, entry) => (Checked(name), entry))
            : throw new UnsupportedSourceException(tree.Sha, "this directory of the repository cannot be read");
    }

    private static EntryName Checked(byte[] name) => EntryName.TryCreate(name, out var checkedName)
        ? checkedName
        : throw new UnsupportedSourceException(Store.Posix.Display(name), "is a name that no directory can hold");

    // "mode name NUL id", again and again, in the library's order.
    private byte[][] RawNames(LibGit2Sharp.Tree tree)
    {
        var bytes = mirror.TryRead(cancellation, "cat-file", "tree", tree.Sha) ?? [];
        var names = new List<byte[]>();
        for (var at = 0; at < bytes.Length;)
        {
            var space = Array.IndexOf(bytes, (byte)' ', at);
            var end = Array.IndexOf(bytes, (byte)0, Math.Max(space, at));
            if (space < 0 || end < 0)
                return [];
            names.Add(bytes[(space + 1)..end]);
            at = end + 1 + 20;
        }
        return [.. names];
    }
}
