using System.Text;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Publishing.Sources.Git;

/// <summary>
/// A bare copy of a git repository's branches and tags, kept between publishes so that only what is new is fetched. There is never a work
/// tree: what is published is what the revision holds. One publisher at a time fetches; what is there is only added to, so it may be read meanwhile.
/// </summary>
internal sealed class GitMirror
{
    /// <summary>Where a publisher keeps them, in its own directory.</summary>
    public const string Folder = "mirrors";

    private const string Head = "HEAD";

    private readonly GitAddress _address;

    /// <param name="directory">Holds the mirrors of all repositories.</param>
    public GitMirror(string directory, GitAddress address)
    {
        _address = address;
        var name = ObjectId.Of(Encoding.UTF8.GetBytes(address.Shown)).ToString()[..32];
        Path = System.IO.Path.Combine(directory, name + ".git");
        // A source may be nobody else's business.
        using var parent = Posix.OpenDirectory(System.IO.Path.GetDirectoryName(directory)!);
        DurableFiles.EnsureDirectory(parent, Encoding.UTF8.GetBytes(System.IO.Path.GetFileName(directory)), 0x1c0);
    }

    public string Path { get; }

    /// <summary>Fetches what is new and finds the revision's commit. A whole commit id that is here already needs no fetch.</summary>
    /// <param name="wanted">A branch, a tag or a commit; null and HEAD are what the repository itself checks out.</param>
    /// <returns>40 hex digits.</returns>
    /// <exception cref="NotFoundException">There is no such revision.</exception>
    /// <exception cref="UnsupportedSourceException">The repository is of a kind that cannot be read.</exception>
    /// <exception cref="SourceUnreachableException">The repository cannot be fetched.</exception>
    public string Resolve(string? wanted, CancellationToken cancellation)
    {
        using var held = Lock(cancellation);
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

    /// <summary>The same, or null also where it prints more than <paramref name="maxBytes"/>.</summary>
    public byte[]? TryRead(long maxBytes, CancellationToken cancellation, params string[] words) => GitProgram.TryRun(Path, maxBytes, cancellation, words).Output;

    private SafeFileHandle Lock(CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path);
        var folder = Posix.OpenDirectory(Path);
        try
        {
            while (!Posix.TryLock(folder, exclusive: true, wait: false, Path))
            {
                cancellation.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(200));
                cancellation.ThrowIfCancellationRequested();
            }
            RemoveLeftovers(Path);
            // Also what was killed half-way through it.
            Require(Run(cancellation, "init", "--quiet", "--bare"), _address);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    // Whoever made them is gone: the lock is ours.
    private static void RemoveLeftovers(string path)
    {
        var refs = System.IO.Path.Combine(path, "refs");
        var locks = Directory.EnumerateFiles(path, "*.lock");
        if (Directory.Exists(refs))
            locks = locks.Concat(Directory.EnumerateFiles(refs, "*.lock", SearchOption.AllDirectories));
        foreach (var left in locks.ToArray())
            File.Delete(left);
    }

    private (byte[]? Output, string Complaint) Run(CancellationToken cancellation, params string[] words) =>
        GitProgram.TryRun(Path, cancellation, words);

    // Answers what is wanted: of nothing what the repository itself checks out.
    private string Fetch(string? wanted, CancellationToken cancellation)
    {
        var listed = Run(cancellation, "ls-remote", "--symref", "--", _address.Url, "HEAD");
        Require(listed, _address);
        var lines = Encoding.UTF8.GetString(listed.Output!).Split('\n');
        if (lines.Any(line => line.Split('\t')[0].Length == 64))
            throw new UnsupportedSourceException(_address.Shown, "uses SHA-256 object names, which the reader of git objects does not know yet; publish a directory or 'git archive' of it");
        var fetched = FetchAll(cancellation);
        if (fetched.Output is null && !IsWhole(cancellation))
        {
            Clear();
            Require(Run(cancellation, "init", "--quiet", "--bare"), _address);
            fetched = FetchAll(cancellation);
        }
        Require(fetched, _address);
        return wanted is null or Head ? CheckedOut(lines) ?? throw new UnsupportedSourceException(_address.Shown, "has no commit yet, or checks out no branch; name one behind '#'") : wanted;
    }

    private (byte[]? Output, string Complaint) FetchAll(CancellationToken cancellation) => Run(cancellation, "fetch", "--quiet", "--prune", "--force", "--no-tags", "--no-write-fetch-head", "--",
        _address.Url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*");

    // A damaged mirror, of a power cut for instance, is worth no more than the time that it saves.
    private bool IsWhole(CancellationToken cancellation) => Run(cancellation, "rev-list", "--objects", "--all", "--quiet").Output is not null;

    private void Clear()
    {
        foreach (var file in Directory.EnumerateFiles(Path).ToArray())
            File.Delete(file);
        foreach (var folder in Directory.EnumerateDirectories(Path).ToArray())
            Directory.Delete(folder, recursive: true);
    }

    // A branch, or in the clones of build machines a commit.
    private static string? CheckedOut(string[] listed)
    {
        const string Symref = "ref: refs/heads/";
        return listed.FirstOrDefault(line => line.StartsWith(Symref, StringComparison.Ordinal)) is { } branch
            ? branch[Symref.Length..].Split('\t')[0]
            : listed.Select(line => line.Split('\t')[0]).FirstOrDefault(IsCommitId);
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
            throw new SourceUnreachableException($"{address.Shown} cannot be fetched: {(ran.Complaint.Length > 0 ? ran.Complaint.Replace(address.Url, address.Shown, StringComparison.Ordinal).ReplaceLineEndings("; ") : "git failed")}; nothing was changed");
    }
}
