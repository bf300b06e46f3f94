namespace ContentTree.Store.Objects;

/// <summary>What an object is. A reference always says which kind it means, and each kind has its own suffix on disk.</summary>
public enum ObjectKind
{
    /// <summary>A regular file's bytes.</summary>
    File,

    /// <summary>One directory in canonical encoding.</summary>
    Tree,

    /// <summary>A commit in canonical JSON.</summary>
    Commit,
}
