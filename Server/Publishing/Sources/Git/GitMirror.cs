using System.Text;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Publishing.Sources.Git;

/// <summary>
/// A bare copy of a git repository's branches and tags, kept between publishes so that only what is new is fetched. There is never a work
/// tree: what is published is what the revision holds. One publisher at a time uses it.
/// </summary>
internal sealed class GitMirror : IDisposable
{
    private readonly SafeFileHandle _lock;
    private readonly GitAddress _address;

    private GitMirror(string path, GitAddress address, SafeFileHandle taken) => (Path, _address, _lock) = (path, address, taken);

    public string Path { get; }

    /// <param name="directory">Holds the mirrors of all repositories.</param>
    public static GitMirror Open(string directory, GitAddress address, CancellationToken cancellation)
    {
        var name = ObjectId.Of(Encoding.UTF8.GetBytes(address.Url)).ToString()[..32];
        var path = System.IO.Path.Combine(directory, name + ".git");
        Directory.CreateDirectory(path);
        var folder = Posix.OpenDirectory(path);
        try
        {
            while (!Posix.TryLock(folder, exclusive: true, wait: false, path))
            {
                cancellation.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(200));
                cancellation.ThrowIfCancellationRequested();
            }
            if (!File.Exists(System.IO.Path.Combine(path, "HEAD")))
                Require(GitProgram.TryRun(path, cancellation, "init", "--quiet", "--bare"), address);
            return new GitMirror(path, address, folder);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Fetches what is new and finds the revision's commit. A whole commit id that is here already needs no fetch.</summary>
    /// <param name="wanted">A branch, a tag or a commit; null is the branch that the repository itself checks out.</param>
    /// <returns>40 hex digits.</returns>
    /// <exception cref="NotFoundException">There is no such revision.</exception>
    /// <exception cref="UnsupportedSourceException">The repository is of a kind that cannot be read.</exception>
    /// <exception cref="SourceUnreachableException">The repository cannot be fetched.</exception>
    public string Resolve(string? wanted, CancellationToken cancellation)
    {
        if (IsCommitId(wanted) && Find(wanted + "^{commit}", cancellation) is { } known)
            return known;
        var revision = Fetch(wanted, cancellation);
        if (FindRevision(revision, cancellation) is { } found)
            return found;
        // A commit that no branch or tag reaches: many servers give it all the same when asked for it by its whole id.
        if (IsCommitId(revision) && (Run(cancellation, "fetch", "--quiet", "--no-tags", "--", _address.Url, revision)).Output is not null &&
            Find(revision + "^{commit}", cancellation) is { } asked)
            return asked;
        throw new NotFoundException($"{_address.Shown} has no branch, tag or commit '{revision}'");
    }

    /// <summary>What git prints, or null where it fails.</summary>
    public byte[]? TryRead(CancellationToken cancellation, params string[] words) => (Run(cancellation, words)).Output;

    public void Dispose() => _lock.Dispose();

    private (byte[]? Output, string Complaint) Run(CancellationToken cancellation, params string[] words) =>
        GitProgram.TryRun(Path, cancellation, words);

    // Answers what is wanted: of nothing the branch that the repository itself checks out.
    private string Fetch(string? wanted, CancellationToken cancellation)
    {
        var listed = Run(cancellation, "ls-remote", "--symref", "--", _address.Url, "HEAD");
        Require(listed, _address);
        var lines = Encoding.UTF8.GetString(listed.Output!).Split('\n');
        if (lines.Any(line => line.Split('\t')[0].Length == 64))
            throw new UnsupportedSourceException(_address.Shown, "uses SHA-256 object names, which the reader of git objects does not know yet; publish a directory or 'git archive' of it");
        var fetched = Run(cancellation, "fetch", "--quiet", "--prune", "--force", "--no-tags", "--no-write-fetch-head", "--",
            _address.Url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*");
        Require(fetched, _address);
        const string Symref = "ref: refs/heads/";
        return wanted ?? (lines.FirstOrDefault(line => line.StartsWith(Symref, StringComparison.Ordinal)) is { } symref
            ? symref[Symref.Length..].Split('\t')[0]
            : throw new UnsupportedSourceException(_address.Shown, "checks out no branch; name one behind '#'"));
    }

    private string? FindRevision(string revision, CancellationToken cancellation)
    {
        if (revision.StartsWith("refs/", StringComparison.Ordinal))
            return Find(revision + "^{commit}", cancellation);
        var branch = Find($"refs/heads/{revision}^{{commit}}", cancellation);
        var tag = Find($"refs/tags/{revision}^{{commit}}", cancellation);
        if (branch is not null && tag is not null && branch != tag)
            throw new UnsupportedSourceException(_address.Shown, $"has a branch and a tag '{revision}'; say refs/heads/{revision} or refs/tags/{revision}");
        return branch ?? tag ?? (revision.Length >= 7 && revision.All(char.IsAsciiHexDigit) ? Find(revision + "^{commit}", cancellation) : null);
    }

    private string? Find(string name, CancellationToken cancellation) =>
        (Run(cancellation, "rev-parse", "--quiet", "--verify", "--end-of-options", name)).Output is { } id ? Encoding.ASCII.GetString(id).Trim() : null;

    private static bool IsCommitId(string? revision) => revision is { Length: 40 } && revision.All(char.IsAsciiHexDigitLower);

    private static void Require((byte[]? Output, string Complaint) ran, GitAddress address)
    {
        if (ran.Output is null)
            throw new SourceUnreachableException($"{address.Shown} cannot be fetched: {(ran.Complaint.Length > 0 ? ran.Complaint.ReplaceLineEndings("; ") : "git failed")}; nothing was changed");
    }
}
