using ContentTree.Store.Local;

namespace ContentTree.Deploy.Commands;

/// <summary>Commits in the store, for the verbs that look into them.</summary>
internal static class StoredCommit
{
    /// <exception cref="StoppedException">No commit is meant by it.</exception>
    /// <exception cref="Store.Repositories.NotFoundException">It was not pulled.</exception>
    public static CompleteCommit Find(Device device, string text) => device.Store.GetComplete(CommitArgument.Resolve(device, text));
}
