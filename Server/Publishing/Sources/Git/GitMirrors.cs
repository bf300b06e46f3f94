namespace ContentTree.Server.Publishing.Sources.Git;

/// <summary>The mirrors that one import uses, each opened once: a repository may be a submodule of itself.</summary>
/// <param name="directory">Where mirrors are kept.</param>
internal sealed class GitMirrors(string directory, CancellationToken cancellation) : IDisposable
{
    private readonly Dictionary<string, GitMirror> _open = new(StringComparer.Ordinal);

    /// <summary>Waits while another publisher uses it.</summary>
    public GitMirror Open(GitAddress address)
    {
        if (!_open.TryGetValue(address.Url, out var mirror))
            _open.Add(address.Url, mirror = GitMirror.Open(directory, address, cancellation));
        return mirror;
    }

    public void Dispose()
    {
        foreach (var mirror in _open.Values)
            mirror.Dispose();
    }
}
