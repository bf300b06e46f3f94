using ContentTree.Server.Publishing.Initramfs;
using ContentTree.Server.Publishing.Sources;
using ContentTree.Server.Storage;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Publishing;

/// <summary>
/// Publishes a source into the repository on this machine: objects, trees, commit, closure check, archived head, newest
/// head. Until the last step nothing that a device can see has changed.
/// </summary>
internal sealed class Publisher(DataDirectory data, TimeProvider time)
{
    /// <exception cref="BranchMovedException">Somebody else published on the branch meanwhile.</exception>
    public PublishResult Publish(PublishOptions options, CancellationToken cancellation)
    {
        var branches = new Branches(data, time);
        options.Step?.Invoke("reading the source");
        // Seen before the first file is read: whoever publishes meanwhile is noticed, not overwritten.
        var seen = branches.Read(options.Branch);
        using var writer = data.Repository.BeginWriting(rewrite: options.NoCache);
        // As long as the branch is there, and only then it moves, nothing of it is removed.
        options = options with { Present = seen.Head is { } present ? TreeOf(present.Commit) : null };
        var source = SourceOpening.Open(options, data.Path);
        var (import, provenance) = source.Import(writer, data.Cache, cancellation);
        if (seen.Head is { } head && TreeOf(head.Commit) == import.Tree)
        {
            source.Published(import.Tree, data.Repository, data.Cache);
            return new PublishResult(head.Commit, head.Sequence, false, import, writer.Written, writer.WrittenBytes);
        }
        var commit = WriteCommit(options.Describe(import, provenance, seen.Head?.Commit, time.GetUtcNow()), writer);
        options.Step?.Invoke("making the objects durable");
        writer.Complete();
        cancellation.ThrowIfCancellationRequested();
        options.Step?.Invoke("checking that everything is there");
        var complete = CompleteClosure.Check(data.Repository, commit, writer);
        var privileges = new PrivilegePolicy(data).Check(seen.Head?.Commit, import.Tree, options.AllowPrivileged);
        var keys = data.LoadKeys().With(options.Signers);
        var result = new PublishResult(commit, seen.Head?.Sequence ?? 0, true, import, writer.Written, writer.WrittenBytes)
        {
            Privileges = privileges,
            Warnings = new SelectorCheck(data.Repository, import.Tree).Warnings(),
        };
        result = options.IsProposal
            ? result with { Proposed = branches.Propose(seen, complete, keys) }
            : result with { Sequence = branches.Advance(seen, complete, BranchMove.Here(options.Verb, options.Reason, options.By), keys).Sequence };
        source.Published(import.Tree, data.Repository, data.Cache);
        return result;
    }

    // A head whose commit is damaged or gone is published over: that is how the branch comes back.
    private ObjectId? TreeOf(ObjectId commit)
    {
        try
        {
            return data.Repository.ReadCommit(commit).Tree;
        }
        catch (Exception e) when (e is CorruptObjectException or ObjectNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Encodes a commit and stores it beside its trees.</summary>
    public static ObjectId WriteCommit(Commit commit, ObjectWriter writer)
    {
        using var encoder = new Lz4Encoder();
        var bytes = commit.Encode();
        var id = ObjectId.Of(bytes);
        writer.Write(new ObjectName(ObjectKind.Commit, id), bytes, encoder);
        return id;
    }
}
