using ContentTree.Server.Privacy;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Follows;

/// <summary>Shows and changes what branches follow.</summary>
internal sealed class FollowRegister(DataDirectory data, TimeProvider time)
{
    private readonly FollowTable _table = new(data.OpenDatabase(), time);

    public IReadOnlyList<FollowInfo> List() => [.. _table.List().Select(row => Describe(row))];

    /// <exception cref="NotFoundException">The branch follows nothing.</exception>
    public FollowInfo Find(BranchName branch) => Describe(_table.Find(branch));

    /// <summary>Has a branch follow, from now on.</summary>
    /// <exception cref="FormatException">What is asked for makes no sense; nothing was changed.</exception>
    /// <exception cref="BranchProtectedException">The branch goes only where another one is.</exception>
    public FollowInfo Set(FollowRequest request, string by, Action<string?>? check = null)
    {
        var follow = Follow.Parse(request);
        if (new ProtectedBranches(data).Contains(request.Branch))
            throw new BranchProtectedException(request.Branch);
        var secret = _table.Set(follow, request.Hook, by, row => check?.Invoke(StampOf(row)));
        return Describe(_table.Find(request.Branch), secret);
    }

    /// <exception cref="NotFoundException">The branch follows nothing.</exception>
    public void Remove(BranchName branch, Action<string?>? check = null) => _table.Remove(branch, row => check?.Invoke(StampOf(row)));

    /// <summary>Another text after each change; null where the branch follows nothing.</summary>
    public string? StampOf(BranchName branch) => StampOf(_table.TryFind(branch));

    /// <summary>Asks for a look now, which a running server takes.</summary>
    /// <param name="isAgain">Also at a revision that failed a moment ago.</param>
    /// <exception cref="NotFoundException">The branch follows nothing.</exception>
    public FollowInfo Ask(BranchName branch, bool isAgain) => Describe(_table.Ask(branch, isAgain));

    /// <summary>The secret of a branch's hook, or null.</summary>
    public string? TryFindSecret(BranchName branch) => _table.TryFind(branch)?.Secret;

    private static string? StampOf(FollowRow? row) => row is null ? null : $"{row.Follow.Settings.Branch} {row.Stamp}";

    private static FollowInfo Describe(FollowRow row, string? secret = null) =>
        new(row.Follow.Settings with { Source = row.Follow.Shown, Every = (long)row.Follow.Every.TotalSeconds, Hook = row.Secret is null ? null : true }, row.State, secret);
}
