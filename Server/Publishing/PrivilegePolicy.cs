using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Publishing;

/// <summary>Looks at what a new tree may do that the branch's last one might not, before the branch moves.</summary>
internal sealed class PrivilegePolicy(DataDirectory data)
{
    /// <param name="branchAt">The branch's commit; null compares with nothing.</param>
    /// <param name="isMeant">Whoever publishes has said so.</param>
    /// <exception cref="PrivilegeRefusedException">The settings refuse new privileges.</exception>
    public PrivilegeDiff Check(ObjectId? branchAt, ObjectId tree, bool isMeant)
    {
        var diff = Compare(branchAt, tree);
        return diff.Gained == 0 || isMeant || !ServerSettings.Load(data.Path).RefusesPrivileged ? diff : throw new PrivilegeRefusedException(diff);
    }

    // What is damaged or collected is published over: then all privileges count as new.
    private PrivilegeDiff Compare(ObjectId? branchAt, ObjectId tree)
    {
        try
        {
            return PrivilegeDiff.Compare(data.Repository.ReadTree, branchAt is { } commit ? data.Repository.ReadCommit(commit).Tree : null, tree);
        }
        catch (Exception e) when (branchAt is not null && e is CorruptObjectException or ObjectNotFoundException)
        {
            return PrivilegeDiff.Compare(data.Repository.ReadTree, null, tree);
        }
    }
}
