namespace ContentTree.Server.Publishing.Sources.Ostree;

/// <summary>How a repository keeps files.</summary>
internal enum OstreeMode
{
    /// <summary>Compressed, with a header; the only one that web servers can give out.</summary>
    Archive,

    /// <summary>As the files and symlinks they are.</summary>
    Bare,

    /// <summary>As files of the user's, with the metadata in an attribute.</summary>
    BareUser,

    /// <summary>As files of the user's, all of them root's and without attributes.</summary>
    BareUserOnly,
}
