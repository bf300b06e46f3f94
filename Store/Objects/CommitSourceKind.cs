namespace ContentTree.Store.Objects;

/// <summary>What a commit was made from.</summary>
public enum CommitSourceKind
{
    /// <summary>A directory.</summary>
    Directory,

    /// <summary>A tarball.</summary>
    Tar,

    /// <summary>A filesystem image.</summary>
    Image,

    /// <summary>A git revision.</summary>
    Git,

    /// <summary>Branches grafted onto a base branch.</summary>
    Compose,

    /// <summary>An OSTree repository.</summary>
    Ostree,
}
