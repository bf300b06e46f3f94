using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Compositions;

/// <summary>
/// Looks whether a commit that says of what it is composed is just that. Before any key signs a head to it: under a release key's head devices
/// do not look themselves.
/// </summary>
internal static class ComposedCommit
{
    /// <returns>Whether it is composed.</returns>
    /// <exception cref="FormatException">It says so, and its parts come to something else.</exception>
    public static bool Require(Repository repository, ObjectId id)
    {
        var commit = repository.ReadCommit(id);
        if (Composition.Of(commit) is not { } composition)
            return false;
        var expected = composition.Compose(repository.ReadCommit, repository.ReadTree, tree => ObjectId.Of(tree.Encode()));
        return Composition.Follows(commit, expected) ? true : throw new FormatException($"commit {id} says that it is composed, and its parts come to something else");
    }
}
