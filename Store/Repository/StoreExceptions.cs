using ContentTree.Store.Objects;

namespace ContentTree.Store.Repositories;

/// <summary>There is no repository or store at that place (exit code 10).</summary>
public sealed class StoreNotFoundException(string message) : Exception(message);

/// <summary>Another process holds the lock (exit code 11).</summary>
public sealed class StoreLockedException(string message) : Exception(message);

/// <summary>A branch, commit, object or path is not there (exit code 17).</summary>
public sealed class NotFoundException(string message) : Exception(message);

/// <summary>An object is missing from a repository or store.</summary>
public sealed class ObjectNotFoundException(ObjectName name) : Exception($"{name}: no such object")
{
    public ObjectName Name { get; } = name;
}

/// <summary>The branch is no longer where the publisher saw it (exit code 18).</summary>
public sealed class BranchMovedException(string message) : Exception(message);
