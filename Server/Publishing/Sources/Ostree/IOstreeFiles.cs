namespace ContentTree.Server.Publishing.Sources.Ostree;

/// <summary>Where the files of an OSTree repository are read: a directory or a web server. For several threads.</summary>
internal interface IOstreeFiles : IDisposable
{
    /// <summary>The place, for people and for a commit's record: without a password.</summary>
    string Shown { get; }

    /// <summary>How many files are worth reading at a time.</summary>
    int Readers { get; }

    /// <param name="path">Below the repository, of names that lead nowhere else.</param>
    /// <returns>Null when there is no such file.</returns>
    /// <exception cref="SourceUnreachableException">Nobody can say.</exception>
    Stream? TryOpen(string path);

    /// <summary>The names below a directory of refs, or null where nobody lists them.</summary>
    IReadOnlyList<string>? ListRefs();
}
