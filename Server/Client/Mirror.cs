using System.Globalization;
using ContentTree.Server.Deltas;
using ContentTree.Server.Storage;
using ContentTree.Server.Trust;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Client;

/// <summary>
/// As much of a server's repository as somebody has looked at from elsewhere, in his cache: what is in it was checked as everything is, by its
/// hash or its signature, and is not fetched again. May be removed at any time.
/// </summary>
internal sealed class Mirror : IDisposable
{
    private const int Downloads = 8;
    private const int Private = 0x1c0;

    // For as long somebody who looks at commits by turns finds them here.
    private static readonly TimeSpan Unneeded = TimeSpan.FromDays(7);

    private readonly ServerClient _server;
    private readonly HashSet<ObjectId> _used = [];
    private bool _hasNew;

    private Mirror(ServerClient server, DataDirectory data) => (_server, Data) = (server, data);

    public DataDirectory Data { get; }

    private Repository Repository => Data.Repository;

    /// <exception cref="VerificationException">The server's keys do not follow from those that it had before.</exception>
    public static async Task<Mirror> OpenAsync(ServerClient server, CancellationToken cancellation)
    {
        var folder = PersonalCache.PathOf("ctree-server");
        Directory.CreateDirectory(folder);
        using (var parent = Posix.OpenDirectory(folder))
            DurableFiles.EnsureDirectory(parent, System.Text.Encoding.ASCII.GetBytes(NameOf(server)), Private);
        var path = Path.Combine(folder, NameOf(server));
        Repository.Create(Path.Combine(path, "repo")).Dispose();
        await RenewTrustAsync(server, path, cancellation);
        return new Mirror(server, DataDirectory.OpenUnfinished(path));
    }

    /// <summary>Which commit a person means. A whole id is that commit, whatever the server says, and a branch where its release keys have led it.</summary>
    /// <exception cref="NotFoundException">No such branch or commit.</exception>
    public async Task<ObjectId> ResolveAsync(string text, CancellationToken cancellation)
    {
        if (ObjectId.TryParse(text, out var id))
            return id;
        if (BranchName.TryParse(text, out var branch) && await _server.TryDownloadAsync(Routes.Head(branch), Envelope.MaxBytes, cancellation) is { } head)
            return Data.Trust.Load().VerifyHead(head, branch).Commit;
        var found = (await _server.GetAsync(Routes.Commit(text), ProtocolJson.Default.CommitInfo, cancellation)).Id;
        return found.ToString().StartsWith(text, StringComparison.Ordinal) ? found : throw new NotFoundException($"{_server.Address} answers with another commit than {text}");
    }

    /// <summary>Makes a commit be here, as far as it is needed.</summary>
    /// <exception cref="RemoteProblemException">The server has not got it.</exception>
    /// <exception cref="CorruptObjectException">It sent something else, or a tree that comes to more than the commit says.</exception>
    public async Task FetchAsync(ObjectId id, Reach reach, CancellationToken cancellation)
    {
        using var writer = Repository.BeginWriting();
        _used.Add(id);
        var name = new ObjectName(ObjectKind.Commit, id);
        await FetchAsync(writer, [new Wanted(name, Framed(Repository.MaxCommitBytes))], cancellation);
        if (reach == Reach.Commit)
            return;
        var commit = Repository.ReadCommit(id);
        var trees = new HashSet<ObjectId>();
        for (ObjectId[] level = [commit.Tree]; level.Length > 0;)
        {
            if (trees.Count > commit.Entries)
                throw new CorruptObjectException(name, "has more directories than it says");
            await FetchAsync(writer, [.. level.Select(TreeOf)], cancellation);
            level = [.. level.SelectMany(tree => Repository.ReadTree(tree).Entries).OfType<TreeEntry.Directory>().Select(directory => directory.Id).Where(trees.Add)];
        }
        var (entries, bytes, _) = new TreeTotals(Repository.ReadTree).Of(commit.Tree);
        if ((entries, bytes) != (commit.Entries, commit.Bytes))
            throw new CorruptObjectException(name, $"its tree comes to {entries} entries and {bytes} bytes, which is not what it says");
        if (reach < Reach.Everything)
            return;
        var files = trees.Append(commit.Tree).SelectMany(tree => Repository.ReadTree(tree).Entries).OfType<TreeEntry.File>().DistinctBy(file => file.Id);
        await FetchAsync(writer, [.. files.Select(FileOf)], cancellation);
        await FetchProofAsync(writer, id, cancellation);
    }

    /// <summary>Makes a file's content be here.</summary>
    public async Task FetchAsync(TreeEntry.File file, CancellationToken cancellation)
    {
        using var writer = Repository.BeginWriting();
        await FetchAsync(writer, [FileOf(file)], cancellation);
    }

    /// <summary>Makes archived heads be here, with the signatures that they have now.</summary>
    public async Task FetchHeadsAsync(BranchName branch, IEnumerable<long> sequences, CancellationToken cancellation)
    {
        var folder = Path.Combine(Repository.Path, "history", branch.ToString());
        Directory.CreateDirectory(folder);
        foreach (var sequence in sequences)
        {
            var bytes = await _server.TryDownloadAsync(Routes.ArchivedHead(branch, sequence), Envelope.MaxBytes, cancellation)
                ?? throw new NotFoundException($"{_server.Address} has no head {sequence} of {branch} any more");
            Replace(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{sequence}.json")), bytes);
        }
    }

    public void Dispose()
    {
        if (_hasNew)
            Tidy();
        Data.Dispose();
    }

    private static async Task RenewTrustAsync(ServerClient server, string path, CancellationToken cancellation)
    {
        var files = new TrustFiles(Path.Combine(path, "repo"));
        var newest = await server.TryDownloadAsync(Routes.TrustRoot, Envelope.MaxBytes, cancellation) ?? throw new NotFoundException($"{server.Address} has no trust root");
        var known = files.Exists ? files.Load() : null;
        if (known?.Envelope.Bytes.Span.SequenceEqual(newest) == true)
            return;
        var meant = TrustRoot.Load(newest);
        if (known is not null && known.Version >= meant.Version)
            throw new VerificationException("root", VerificationFailure.RolledBack, $"{server.Address} has not the keys that it had before; where it was made anew, remove {path}");
        var trust = Path.Combine(path, "repo", "trust");
        for (var version = (known?.Version ?? 0) + 1; version <= meant.Version; version++)
        {
            var bytes = await server.TryDownloadAsync(Routes.TrustRootVersion(version), Envelope.MaxBytes, cancellation)
                ?? throw new NotFoundException($"{server.Address} has no version {version} of its trust root");
            known = known is null ? TrustRoot.Load(bytes) : Follow(known, bytes, server, path);
            Replace(Path.Combine(trust, string.Create(CultureInfo.InvariantCulture, $"{version}.root.json")), bytes);
        }
        if (known is null || !known.Envelope.SignedBytes.Span.SequenceEqual(meant.Envelope.SignedBytes.Span))
            throw new VerificationException("root", VerificationFailure.Conflict, $"{server.Address} gives two roots of version {meant.Version}");
        Replace(Path.Combine(trust, "root.json"), known.Envelope.Bytes.ToArray());
    }

    private static TrustRoot Follow(TrustRoot known, byte[] next, ServerClient server, string path)
    {
        try
        {
            return known.Next(next);
        }
        catch (VerificationException e)
        {
            throw new VerificationException("root", e.Failure, $"the keys of {server.Address} do not follow from those it had before ({e.Message}); where it was made anew, remove {path}");
        }
    }

    private async Task FetchAsync(ObjectWriter writer, Wanted[] wanted, CancellationToken cancellation)
    {
        await Parallel.ForEachAsync(wanted.Where(w => !writer.IsKnown(w.Name)), new ParallelOptions { MaxDegreeOfParallelism = Downloads, CancellationToken = cancellation },
            async (next, stop) => await _server.DownloadAsync(Routes.RepositoryObject(next.Name), next.MaxBytes, async (body, limited) =>
            {
                using var received = await ReceivedObject.ReceiveAsync(next.Name, body, Data.UploadPath, limited);
                writer.Write(next.Name, received.WriteTo);
            }, stop));
        writer.Complete();
        _hasNew |= writer.Written > 0;
    }

    private static Wanted TreeOf(ObjectId id) => new(new ObjectName(ObjectKind.Tree, id), Framed(Tree.MaxEncodedBytes));

    private static Wanted FileOf(TreeEntry.File file) => new(new ObjectName(ObjectKind.File, file.Id), Framed(file.Size));

    // An lz4 frame of what cannot be made smaller is a little larger.
    private static long Framed(long size) => size + size / 128 + 64;

    // What a part leads to shows only when the part is here.
    private async Task FetchProofAsync(ObjectWriter writer, ObjectId commit, CancellationToken cancellation)
    {
        while (true)
        {
            var missing = new List<ObjectName>();
            new RepositoryClosure(Repository).AddProof(commit, missing.Add);
            if (missing.Count == 0)
                return;
            await FetchAsync(writer, [.. missing.Select(name => new Wanted(name, Framed(name.Kind == ObjectKind.Tree ? Tree.MaxEncodedBytes : Repository.MaxCommitBytes)))], cancellation);
        }
    }

    private void Tidy()
    {
        try
        {
            GarbageCollection.Run(Repository, _used.Where(id => Repository.Contains(new ObjectName(ObjectKind.Commit, id))), Unneeded, dryRun: false);
            using var deltas = new DeltaStore(Data);
            deltas.Collect(id => Repository.Contains(new ObjectName(ObjectKind.Commit, id)), dryRun: false, CancellationToken.None);
        }
        catch (Exception e) when (e is StoreLockedException or CorruptObjectException or ObjectNotFoundException)
        {
            // Somebody else reads or writes here, or not all of a commit is here; the next one tidies.
        }
    }

    private static void Replace(string path, byte[] bytes)
    {
        File.WriteAllBytes(path + ".new", bytes);
        File.Move(path + ".new", path, overwrite: true);
    }

    private static string NameOf(ServerClient server) => ObjectId.Of(System.Text.Encoding.UTF8.GetBytes(server.Address)).ToString()[..16];

    /// <summary>An object that is to be fetched, and the bytes after which it cannot be that.</summary>
    private readonly record struct Wanted(ObjectName Name, long MaxBytes);
}
