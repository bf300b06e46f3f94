using System.Text;
using System.Text.Unicode;
using ContentTree.Store.Objects;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Publishing.Sources.Git;

/// <summary>The paths in which two revisions of a git repository differ, as <c>git diff-tree --raw -z</c> tells them.</summary>
/// <param name="Removed">Have nothing any more, or something of another kind.</param>
/// <param name="Written">Are new, or have other content or another mode.</param>
internal sealed record GitChanges(IReadOnlyList<EntryPath> Removed, IReadOnlyList<EntryPath> Written)
{
    // Beyond it all is read anew, which then costs less than it seems.
    private const int Max = 100_000;

    private const long MaxBytes = 64 << 20;

    private const string Submodule = "160000";
    private const string Nothing = "000000";
    private const string Directory = "040000";
    private const string EmptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    /// <summary>Null where what changed may change what the rest becomes: what the source says of itself, and submodules.</summary>
    /// <param name="inside">The directory that is the source.</param>
    public static GitChanges? Between(GitMirror mirror, string from, string to, EntryPath inside, CancellationToken cancellation)
    {
        string[] where = inside.Names.Count > 0 ? ["--", GitTreeReader.Text(inside)] : [];
        if (mirror.TryRead(MaxBytes, cancellation, ["--literal-pathspecs", "diff-tree", "-r", "-t", "-z", "--raw", "--no-renames", from, to, .. where]) is not { } bytes)
            return null;
        var (removed, written) = (new List<EntryPath>(), new List<EntryPath>());
        for (var rest = bytes.AsSpan(); rest.Length > 0;)
        {
            if (!TryTake(ref rest, out var about) || !TryTake(ref rest, out var name) || Encoding.ASCII.GetString(about).Split(' ') is not [[':', .. var before], var after, var old, var changed, _])
                return null;
            // A directory shows by what is in it; one of nothing is for who reads all of it.
            if (old == EmptyTree || changed == EmptyTree)
                return null;
            if ((before is Directory or Nothing) && (after is Directory or Nothing))
                continue;
            if (removed.Count + written.Count == Max || before == Submodule || after == Submodule || !TryParse(name, out var path) || IsAboutTheRest(path, inside))
                return null;
            var within = path.After(inside.Names.Count);
            if (after is Nothing or Directory || before != Nothing && Kind(before) != Kind(after))
                removed.Add(within);
            if (after is not (Nothing or Directory))
                written.Add(within);
        }
        return new GitChanges(removed, written);
    }

    private static bool TryTake(ref Span<byte> rest, out ReadOnlySpan<byte> word)
    {
        var end = rest.IndexOf((byte)0);
        word = end < 0 ? default : rest[..end];
        rest = rest[(end + 1)..];
        return end >= 0;
    }

    private static bool TryParse(ReadOnlySpan<byte> name, out EntryPath path)
    {
        path = EntryPath.Root;
        // The library that reads the repository finds names of text only.
        if (!Utf8.IsValid(name))
            return false;
        foreach (var range in name.Split((byte)'/'))
        {
            if (path.Names.Count == Tree.MaxDepth || !EntryName.TryCreate(name[range], out var entry))
                return false;
            path = path.Append(entry);
        }
        return true;
    }

    private static bool IsAboutTheRest(EntryPath path, EntryPath inside) => path.Names.Any(name => name.ToString() is IgnoreRules.FileName or ".gitmodules" || name.ToString().Equals(".git", StringComparison.OrdinalIgnoreCase)) || SourceRules.IsAboutTheSource(path.After(inside.Names.Count));

    // A file stays one when it becomes executable.
    private static string Kind(string mode) => mode[..3];
}
