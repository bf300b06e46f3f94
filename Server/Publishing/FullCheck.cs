using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Publishing;

/// <summary>What a check of the whole repository found.</summary>
internal sealed record FullCheckResult(long Objects, long Bytes, long Heads, IReadOnlyList<Damage> Damage)
{
    public CheckInfo ToInfo() => new(Objects, Bytes, Heads, [.. Damage.Select(d => new DamageInfo(d.What, d.Reason))]);
}

/// <summary>Checks objects by content, heads by signature, and that the commits of all heads that are still there are complete.</summary>
internal static class FullCheck
{
    public static FullCheckResult Run(DataDirectory data, TimeProvider time, CancellationToken cancellation)
    {
        var (objects, bytes, found) = RepositoryCheck.Run(data.Repository, cancellation);
        var damage = new List<Damage>(found);
        var branches = new Branches(data, time);
        var closure = new RepositoryClosure(data.Repository);
        var totals = new TreeTotals(id => data.Repository.Contains(new ObjectName(ObjectKind.Tree, id)) ? data.Repository.ReadTree(id) : null);
        var known = found.Select(d => d.What).ToHashSet(StringComparer.Ordinal);
        long heads = 0;
        foreach (var branch in branches.List())
        {
            cancellation.ThrowIfCancellationRequested();
            heads++;
            Try(damage, $"heads/{branch}.json", () =>
            {
                var head = branches.ReadHead(branch);
                CheckClosure(data.Repository, closure, totals, head, known, damage);
                if (!data.Repository.Heads.ArchivedSequences(branch).Contains(head.Sequence))
                    damage.Add(new Damage($"history/{branch}/{head.Sequence}.json", "missing, though it is the branch's newest head"));
            });
        }
        foreach (var branch in data.Repository.Heads.ListArchived())
        {
            foreach (var sequence in data.Repository.Heads.ArchivedSequences(branch))
            {
                cancellation.ThrowIfCancellationRequested();
                heads++;
                Try(damage, $"history/{branch}/{sequence}.json", () =>
                {
                    // A commit that was collected is gone; one that is still there has everything it needs.
                    if (branches.ReadArchived(branch, sequence) is { } head && data.Repository.Contains(new ObjectName(ObjectKind.Commit, head.Commit)))
                        CheckClosure(data.Repository, closure, totals, head, known, damage);
                });
            }
        }
        return new FullCheckResult(objects, bytes, heads, damage);
    }

    private static void CheckClosure(
        Repository repository, RepositoryClosure closure, TreeTotals totals, VerifiedHead head, HashSet<string> known, List<Damage> damage)
    {
        try
        {
            closure.AddCommit(head.Commit, missing => damage.Add(new Damage(missing.ToString(), $"missing, though {head.Branch} needs it at sequence {head.Sequence}")));
            if (repository.Contains(new ObjectName(ObjectKind.Commit, head.Commit)))
                totals.Of(repository.ReadCommit(head.Commit).Tree);
        }
        catch (CorruptObjectException) when (known.Count > 0)
        {
            // Found already by its content; what it would lead to cannot be known.
        }
    }

    private static void Try(List<Damage> damage, string what, Action check)
    {
        try
        {
            check();
        }
        catch (Exception e) when (e is VerificationException or CorruptObjectException or FormatException)
        {
            damage.Add(new Damage(what, e.Message));
        }
    }
}
