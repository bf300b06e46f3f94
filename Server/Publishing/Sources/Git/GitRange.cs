using ContentTree.Store.Objects;
using LibGit2Sharp;

namespace ContentTree.Server.Publishing.Sources.Git;

/// <summary>A git commit that lies between two published ones.</summary>
/// <param name="IsGone">It led to the first and not to the second.</param>
internal sealed record GitChange(string Revision, DateTimeOffset Time, string Author, string Subject, bool IsGone);

/// <summary>The git commits between two commits of one repository, as far as the mirror has them.</summary>
internal static class GitRange
{
    /// <summary>Commits of each direction, at most.</summary>
    public const int Max = 100;

    /// <returns>Those that came, then those that went, newest first; null when both are not of one git repository that is mirrored here.</returns>
    public static IReadOnlyList<GitChange>? Between(string mirrors, CommitSource before, CommitSource after)
    {
        if (before.Kind != CommitSourceKind.Git || after.Kind != CommitSourceKind.Git || before.Url != after.Url || !Directory.Exists(mirrors))
            return null;
        NativeGit.Use();
        var path = new GitMirror(mirrors, new GitAddress(after.Url, null)).Path;
        try
        {
            using var repository = new LibGit2Sharp.Repository(path);
            return repository.Lookup<LibGit2Sharp.Commit>(before.Revision) is { } old && repository.Lookup<LibGit2Sharp.Commit>(after.Revision) is { } present
                ? [.. Reach(repository, present, old, false), .. Reach(repository, old, present, true)]
                : null;
        }
        catch (LibGit2SharpException)
        {
            // No mirror, or a damaged one: the trees tell what differs all the same.
            return null;
        }
    }

    private static IEnumerable<GitChange> Reach(LibGit2Sharp.Repository repository, LibGit2Sharp.Commit from, LibGit2Sharp.Commit without, bool isGone) =>
        repository.Commits.QueryBy(new CommitFilter { IncludeReachableFrom = from, ExcludeReachableFrom = without, SortBy = CommitSortStrategies.Topological | CommitSortStrategies.Time })
            .Take(Max).Select(commit => new GitChange(commit.Sha, commit.Committer.When, OneLine(commit.Author.Name), OneLine(commit.MessageShort), isGone));

    private static string OneLine(string text) => string.Concat(text.Where(c => !char.IsControl(c)));
}
