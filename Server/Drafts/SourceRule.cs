using ContentTree.Server.Commands;
using ContentTree.Server.Publishing.Sources;
using ContentTree.Server.Publishing.Sources.Git;
using ContentTree.Server.Storage;

namespace ContentTree.Server.Drafts;

/// <summary>Which sources somebody may name in a browser: git repositories elsewhere, and of this machine only what <c>server.conf</c> lists.</summary>
internal sealed class SourceRule(DataDirectory data)
{
    public IReadOnlyList<string> Directories => ServerSettings.Load(data.Path).SourceDirectories;

    public long MaxUpload => ServerSettings.Load(data.Path).MaxUpload;

    /// <returns>The source as a publish takes it, and as people are shown it.</returns>
    /// <exception cref="UsageException">It is not allowed.</exception>
    public (string Source, string Shown) Git(string repository, string revision)
    {
        var address = GitAddress.Parse(revision.Length > 0 ? $"{repository}#{revision}" : repository);
        if (address.IsLocal)
            RequireListed(address.Url);
        return ($"git:{address.Url}{(address.Revision is { } named ? "#" + named : "")}", $"git {address.Shown}{(address.Revision is { } shown ? " at " + shown : "")}");
    }

    /// <exception cref="UsageException">It is not allowed.</exception>
    public (string Source, string Shown) Path(string path)
    {
        if (!System.IO.Path.IsPathFullyQualified(path))
            throw new UsageException("name the whole path, from /");
        RequireListed(path);
        return (path, path);
    }

    // By where it really lies: a link in a listed directory leads nowhere else.
    private void RequireListed(string path)
    {
        var real = SourceDirectory.RealPath(path);
        if (!Directories.Any(listed => (real + "/").StartsWith(SourceDirectory.RealPath(listed).TrimEnd('/') + "/", StringComparison.Ordinal)))
            throw new UsageException("only what lies in a directory of publish.directories in server.conf is published from this machine");
    }
}
