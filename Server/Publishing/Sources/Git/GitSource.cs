using System.Text;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using LibGit2Sharp;
using Microsoft.Win32.SafeHandles;
using ObjectId = ContentTree.Store.Objects.ObjectId;

namespace ContentTree.Server.Publishing.Sources.Git;

/// <summary>A revision of a git repository, read blob by blob out of a mirror of it.</summary>
/// <param name="mirrors">Where mirrors are kept.</param>
internal sealed class GitSource(GitAddress address, PublishOptions options, string mirrors) : ISource
{
    // Of a commit's texts, which a device reads too.
    private const int MaxText = 200;

    private (string Revision, PresentTree Tree)? _made;

    public string Key => ObjectId.Of(Encoding.UTF8.GetBytes("git:" + address.Shown)).ToString()[..32];

    public (ImportResult Import, Provenance Provenance) Import(ObjectWriter writer, SafeFileHandle cache, CancellationToken cancellation)
    {
        NativeGit.Use();
        var mirror = new GitMirror(mirrors, address);
        try
        {
            return Import(mirror, writer, cache, cancellation);
        }
        catch (LibGit2SharpException e)
        {
            throw new UnsupportedSourceException(address.Shown, $"its mirror is damaged ({e.Message}); remove {mirror.Path} and publish again");
        }
    }

    // After the commit's own object is there: the listing is that of everything.
    public void Published(ObjectId tree, Store.Repositories.Repository repository, SafeFileHandle cache)
    {
        if (options.IsToBuildFrom || _made is not var (revision, made))
            return;
        try
        {
            new GitState(revision, made, tree, repository.Listing()).Write(cache, StateName);
        }
        catch (PosixException)
        {
            // The branch has moved all the same; the next publish reads more than it needs to.
        }
    }

    private (ImportResult Import, Provenance Provenance) Import(GitMirror mirror, ObjectWriter writer, SafeFileHandle cache, CancellationToken cancellation)
    {
        var id = mirror.Resolve(address.Revision, cancellation);
        using var repository = new LibGit2Sharp.Repository(mirror.Path);
        var commit = repository.Lookup<LibGit2Sharp.Commit>(id) ?? throw new UnsupportedSourceException(address.Shown, $"commit {id} cannot be read from its mirror; remove {mirror.Path} and publish again");
        var root = Find(commit);
        if (!options.IsToBuildFrom && root[BuiltSource.Program]?.Target is Blob)
            throw BuiltSource.Refused();
        var rules = options.IsToBuildFrom ? MetadataRules.None : ReadRules(root);
        var (import, made) = TryImportChanges(mirror, id, root, rules, writer, cache, cancellation) ?? ImportAll(mirror, commit, root, rules, writer, cancellation);
        writer.Complete();
        _made = (id, made);
        return (import, Describe(mirror, commit, cancellation));
    }

    private (ImportResult, PresentTree) ImportAll(
        GitMirror mirror, LibGit2Sharp.Commit commit, LibGit2Sharp.Tree root, MetadataRules rules, ObjectWriter writer, CancellationToken cancellation)
    {
        using var assembly = new TreeAssembly(writer, options.Owner, rules);
        new GitTreeReader(mirror, address, mirrors, assembly, cancellation) { IsWhole = options.IsToBuildFrom }.Add(commit, root, options.Subdirectory);
        return (assembly.Complete(), assembly.Made!);
    }

    // Where the branch is at what an earlier revision became, only what changed since then is read. Null where that is not known, or not enough.
    private (ImportResult, PresentTree)? TryImportChanges(
        GitMirror mirror, string revision, LibGit2Sharp.Tree root, MetadataRules rules, ObjectWriter writer, SafeFileHandle cache, CancellationToken cancellation)
    {
        if (options.IsToBuildFrom || options.NoCache || GitState.TryRead(cache, StateName) is not { } state || state.Published != options.Present ||
            GitChanges.Between(mirror, state.Revision, revision, options.Subdirectory, cancellation) is not { } changes)
            return null;
        try
        {
            var isUntouched = writer.Repository.Listing() == state.Listing;
            using var assembly = new TreeAssembly(writer, options.Owner, rules, state.Tree);
            new GitTreeReader(mirror, address, mirrors, assembly, cancellation).Add(root, changes);
            var import = assembly.Complete();
            // No tree is made of what is not all there: what did not change is looked for where anything came or went since it was.
            writer.Complete();
            return isUntouched || new WholeTrees(writer).Contains(import.Tree) ? (import, assembly.Made!) : null;
        }
        catch (Exception e) when (e is UnsupportedSourceException or CorruptObjectException or ObjectNotFoundException)
        {
            // Reading all of it says what is wrong, or mends what is damaged here.
            return null;
        }
    }

    private string StateName => "git-" + ObjectId.Of(Encoding.UTF8.GetBytes($"{address.Shown}\n{options.Branch}\n{options.Subdirectory}\n{options.Owner}")).ToString()[..32];

    private LibGit2Sharp.Tree Find(LibGit2Sharp.Commit commit) => options.Subdirectory.Names.Count == 0 ? commit.Tree : commit[options.Subdirectory.ToString()[1..]]?.Target as LibGit2Sharp.Tree
        ?? throw new UnsupportedSourceException(address.Shown, $"has no directory {options.Subdirectory} at {commit.Sha[..12]}");

    private static MetadataRules ReadRules(LibGit2Sharp.Tree root) =>
        root[MetadataRules.Path]?.Target is Blob blob
            ? MetadataRules.Parse(GitTreeReader.ReadSmall(blob, EntryPath.Parse(MetadataRules.Path), MetadataRules.MaxFileBytes))
            : MetadataRules.None;

    private Provenance Describe(GitMirror mirror, LibGit2Sharp.Commit commit, CancellationToken cancellation)
    {
        var described = mirror.TryRead(cancellation, "describe", "--tags", "--always", "--abbrev=12", commit.Sha) is { } text ? Encoding.UTF8.GetString(text).Trim() : "";
        return new Provenance(new CommitSource(CommitSourceKind.Git, address.Shown, commit.Sha, described))
        {
            Subject = OneLine(commit.MessageShort),
            Author = OneLine($"{commit.Author.Name} <{commit.Author.Email}>"),
        };
    }

    private static string OneLine(string text) => string.Concat(text.EnumerateRunes().Where(rune => !Rune.IsControl(rune)).Take(MaxText));
}
