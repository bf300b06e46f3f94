using ContentTree.Server.Packages;
using ContentTree.Server.Publishing.Sources.Git;
using ContentTree.Server.Storage;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Objects;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Dashboard;

/// <summary>How two commits differ, as far as a page shows it: all is counted, the first few hundred are named.</summary>
internal sealed record CommitDiff(
    ObjectId Left, ObjectId Right, Commit Before, Commit After, IReadOnlyDictionary<ChangeKind, int> Counts, IReadOnlyList<TreeChange> Changes, int All,
    IReadOnlyList<(string Folder, long Bytes)> Folders, IReadOnlyList<PackageChange> Packages, IReadOnlyList<GitChange> Revisions, PrivilegeDiff Privileges, DeltaForecast Cost)
{
    /// <summary>Lines of a list that are shown.</summary>
    public const int Shown = 300;

    private const int ShownFolders = 12;

    internal sealed record Asked(string Left, string Right, CommitDiff? Diff);

    public static CommitDiff Of(DataDirectory data, ObjectId left, ObjectId right)
    {
        var repository = data.Repository;
        var (before, after) = (repository.ReadCommit(left), repository.ReadCommit(right));
        var changes = TreeDiff.Compare(repository.ReadTree, before.Tree, after.Tree).ToArray();
        return new CommitDiff(
            left, right, before, after, changes.GroupBy(c => c.Kind).ToDictionary(g => g.Key, g => g.Count()), [.. changes.Take(Shown)], changes.Length, FoldersOf(changes),
            [.. PackageChange.Between(PackageList.Of(repository, before.Tree), PackageList.Of(repository, after.Tree))],
            GitRange.Between(Path.Combine(data.Path, "mirrors"), before.Source, after.Source) ?? [],
            PrivilegeDiff.Compare(repository.ReadTree, before.Tree, after.Tree), DeltaForecast.Of(repository, left, right));
    }

    public int Count(ChangeKind kind) => Counts.GetValueOrDefault(kind);

    // Where the new bytes lie, two names deep.
    private static IReadOnlyList<(string, long)> FoldersOf(IEnumerable<TreeChange> changes) =>
        [.. changes.Where(c => c.Kind is ChangeKind.Added or ChangeKind.Modified && c.SizeAfter > 0).GroupBy(c => FolderOf(c.Path))
            .Select(g => (g.Key, g.Sum(c => c.SizeAfter))).OrderByDescending(f => f.Item2).Take(ShownFolders)];

    private static string FolderOf(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return "/" + string.Join('/', parts.Take(Math.Min(2, parts.Length - 1)));
    }
}
