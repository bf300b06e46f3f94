using System.Net.Http.Headers;
using ContentTree.Server.Publishing;
using ContentTree.Server.Publishing.Initramfs;
using ContentTree.Server.Publishing.Sources;
using ContentTree.Server.Trust;
using ContentTree.Store;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Client;

/// <summary>
/// Publishes a directory to a server elsewhere. Objects are made in a small repository of the source's own, kept between
/// publishes; only those the server has not got are sent. The server checks and moves the head, and signs it unless keys are named here.
/// </summary>
internal sealed class RemotePublisher(ServerClient server, string cachePath, TimeProvider time)
{
    private const int Uploads = 8;
    private const int Attempts = 3;

    // Numbers are passed over where a publish was killed or a key was dismissed, a few at most; a thief would use them all up.
    private const long MaxJump = 100_000;

    public static string DefaultCache => PersonalCache.PathOf("ctree-publish");

    public async Task<PublishResult> PublishAsync(PublishOptions options, CancellationToken cancellation)
    {
        var source = SourceOpening.Open(options, cachePath);
        // Asked about nothing, before the first file is read: a wrong token shows now and not after minutes of work.
        await AskAsync([], null, cancellation);
        Directory.CreateDirectory(cachePath);
        using var repository = Repository.Create(Path.Combine(cachePath, source.Key));
        var result = await PublishAsync(options, source, repository, cancellation);
        if (result.IsNew)
            Prune(repository, result.Commit);
        return result;
    }

    private async Task<PublishResult> PublishAsync(
        PublishOptions options, ISource source, Repository repository, CancellationToken cancellation)
    {
        var seen = await ReadHeadAsync(options.Branch, cancellation);
        using var folder = Posix.OpenDirectory(cachePath);
        // Keeps another publish of the same source from pruning what this one is about to send.
        using var writer = repository.BeginWriting();
        var (import, provenance) = source.Import(writer, folder, cancellation);
        ObjectId? before = seen is null ? null : (await ReadCommitAsync(seen.Commit, cancellation)).Tree;
        if (seen is not null && before == import.Tree)
            return new PublishResult(seen.Commit, seen.Sequence, false, import, 0, 0);
        var commit = Publisher.WriteCommit(options.Describe(import, provenance, seen?.Commit, time.GetUtcNow()), writer);
        writer.Complete();
        var sent = new Sent();
        var request = new MoveHeadRequest(options.Branch, commit, seen?.Sequence ?? 0, seen?.Commit, Reason: options.Reason);
        var isSignedHere = options.IsProposal || options.Signers.Count > 0;
        var moved = await SendAsync(repository, isSignedHere ? request with { IsQuestion = true } : request, sent, cancellation);
        var proposed = isSignedHere ? Sign(options, commit, seen, moved.Sequence) : null;
        if (proposed is not null && !options.IsProposal)
            moved = await SendAsync(repository, request with { Head = new RawJson(proposed.Bytes) }, sent, cancellation);
        return new PublishResult(commit, options.IsProposal ? seen?.Sequence ?? 0 : moved.Sequence, true, import, sent.Objects, sent.Bytes)
        {
            Proposed = options.IsProposal ? proposed : null,
            Privileges = PrivilegeDiff.Compare(repository.ReadTree, Present(repository, before), import.Tree),
            Warnings = new SelectorCheck(repository, import.Tree).Warnings(),
        };
    }

    // The statement is made here, so that a lying server gets no signature of anything else; all that it says is a number.
    private Envelope Sign(PublishOptions options, ObjectId commit, VerifiedHead? seen, long sequence)
    {
        if (sequence <= (seen?.Sequence ?? 0) || sequence > (seen?.Sequence ?? 0) + MaxJump)
            throw new FormatException($"{server.Address} wants sequence {sequence} signed after {seen?.Sequence ?? 0}; that is no next one");
        var statement = Branches.Statement(options.Branch, commit, sequence, time.GetUtcNow());
        return new SigningKeys(options.Signers).Sign(Envelope.Create(statement.Encode(), []), _ => true);
    }

    // A server that was killed has lost uploads that were not durable yet; it says so, and gets them again.
    private async Task<MoveHeadAnswer> SendAsync(
        Repository repository, MoveHeadRequest request, Sent sent, CancellationToken cancellation)
    {
        var closure = new RepositoryClosure(repository);
        closure.AddCommit(request.Commit, missing => throw new CorruptObjectException(missing, "vanished from the cache; publish again"));
        for (var attempt = 1; ; attempt++)
        {
            var lease = await UploadMissingAsync(repository, closure.Reached, sent, cancellation);
            try
            {
                return await server.PostOnceAsync(Routes.PublishHeads, request with { Lease = lease },
                    ProtocolJson.Default.MoveHeadRequest, ProtocolJson.Default.MoveHeadAnswer, cancellation);
            }
            catch (RemoteProblemException e) when (e.Problem.Code == ProblemCode.Incomplete && attempt < Attempts)
            {
            }
        }
    }

    private async Task<string?> UploadMissingAsync(Repository repository, IEnumerable<ObjectName> objects, Sent sent, CancellationToken cancellation)
    {
        string? lease = null;
        foreach (var batch in objects.Chunk(MissingRequest.MaxObjects))
        {
            var answer = await AskAsync(batch, lease, cancellation);
            lease = answer.Lease;
            await Parallel.ForEachAsync(answer.Missing, new ParallelOptions { MaxDegreeOfParallelism = Uploads, CancellationToken = cancellation },
                async (name, stop) => sent.Add(await UploadAsync(repository, name, stop)));
        }
        return lease;
    }

    private Task<MissingAnswer> AskAsync(ObjectName[] objects, string? lease, CancellationToken cancellation) =>
        server.PostAsync(Routes.PublishMissing, new MissingRequest(objects, lease),
            ProtocolJson.Default.MissingRequest, ProtocolJson.Default.MissingAnswer, cancellation);

    private async Task<long> UploadAsync(Repository repository, ObjectName name, CancellationToken cancellation)
    {
        await using var frame = new FileStream(repository.OpenStored(name), FileAccess.Read);
        var size = frame.Length;
        using var content = new StreamContent(frame);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        await server.PutAsync(Routes.PublishObject(name), content, cancellation);
        return size;
    }

    private async Task<VerifiedHead?> ReadHeadAsync(BranchName branch, CancellationToken cancellation)
    {
        var head = await server.TryDownloadAsync(Routes.Head(branch), Envelope.MaxBytes, cancellation);
        if (head is null)
            return null;
        var root = await server.TryDownloadAsync(Routes.TrustRoot, Envelope.MaxBytes, cancellation)
            ?? throw new NotFoundException($"{server.Address} has no trust root");
        // The server is trusted with the branch anyway; this catches a proxy that serves somebody else's files.
        return TrustRoot.Load(root).WithDevelopers(_ => true).VerifyHead(head, branch);
    }

    private async Task<Commit> ReadCommitAsync(ObjectId id, CancellationToken cancellation)
    {
        var name = new ObjectName(ObjectKind.Commit, id);
        var frame = await server.TryDownloadAsync(Routes.RepositoryObject(name), Repository.MaxCommitBytes, cancellation)
            ?? throw new NotFoundException($"{server.Address} has no commit {id}, though a branch is at it");
        using var decoder = new Lz4Decoder();
        return Commit.Decode(decoder.DecodeFrame(frame, Repository.MaxCommitBytes), id);
    }

    // The branch's last tree is here when it was published from here; otherwise every privilege counts as new.
    private static ObjectId? Present(Repository repository, ObjectId? tree)
    {
        if (tree is not { } id)
            return null;
        var isWhole = true;
        new RepositoryClosure(repository).AddTree(id, _ => isWhole = false);
        return isWhole ? id : null;
    }

    // The next publish needs this tree's objects only.
    private static void Prune(Repository repository, ObjectId commit)
    {
        try
        {
            GarbageCollection.Run(repository, [commit], TimeSpan.Zero, dryRun: false);
        }
        catch (StoreLockedException)
        {
            // Another publish of the same directory is running; it will prune.
        }
    }

    private sealed class Sent
    {
        private long _objects;
        private long _bytes;

        public long Objects => Interlocked.Read(ref _objects);

        public long Bytes => Interlocked.Read(ref _bytes);

        public void Add(long bytes)
        {
            Interlocked.Increment(ref _objects);
            Interlocked.Add(ref _bytes, bytes);
        }
    }
}
