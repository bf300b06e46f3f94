using System.Globalization;
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

    /// <summary>Which commit a person means.</summary>
    public async Task<CommitInfo> ResolveAsync(string text, CancellationToken cancellation) =>
        await _server.GetAsync(Routes.Commit(text), ProtocolJson.Default.CommitInfo, cancellation);

    /// <summary>Makes a commit be here, as far as it is needed.</summary>
    /// <exception cref="NotFoundException">The server has not got it.</exception>
    /// <exception cref="CorruptObjectException">It sent something else.</exception>
    public async Task FetchAsync(ObjectId commit, Reach reach, CancellationToken cancellation)
    {
        using var writer = Repository.BeginWriting();
        ObjectName[] wanted = [new(ObjectKind.Commit, commit)];
        var seen = new HashSet<ObjectName>();
        for (var depth = 0; wanted.Length > 0; depth++)
        {
            if (depth > Tree.MaxDepth + 2)
                throw new CorruptObjectException(wanted[0], "is nested too deep");
            await FetchAsync(writer, wanted, cancellation);
            wanted = [.. wanted.SelectMany(name => Below(name, reach)).Where(seen.Add)];
        }
        if (reach < Reach.Everything)
            return;
        await FetchProofAsync(writer, commit, cancellation);
        GarbageCollection.Run(Repository, [commit], Unneeded, dryRun: false);
    }

    /// <summary>Makes a file's content be here.</summary>
    public async Task FetchAsync(TreeEntry.File file, CancellationToken cancellation)
    {
        using var writer = Repository.BeginWriting();
        await FetchAsync(writer, [new(ObjectKind.File, file.Id)], cancellation);
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

    public void Dispose() => Data.Dispose();

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
        Replace(Path.Combine(trust, "root.json"), newest);
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

    private async Task FetchAsync(ObjectWriter writer, ObjectName[] names, CancellationToken cancellation)
    {
        await Parallel.ForEachAsync(names.Where(name => !writer.IsKnown(name)), new ParallelOptions { MaxDegreeOfParallelism = Downloads, CancellationToken = cancellation },
            async (name, stop) => await _server.DownloadAsync(Routes.RepositoryObject(name), async (body, limited) =>
            {
                using var received = await ReceivedObject.ReceiveAsync(name, body, Data.UploadPath, limited);
                writer.Write(name, received.WriteTo);
            }, stop));
        writer.Complete();
    }

    private IEnumerable<ObjectName> Below(ObjectName name, Reach reach)
    {
        if (reach == Reach.Commit || name.Kind == ObjectKind.File)
            return [];
        if (name.Kind == ObjectKind.Commit)
            return [new ObjectName(ObjectKind.Tree, Repository.ReadCommit(name.Id).Tree)];
        return Repository.ReadTree(name.Id).Entries.Select(entry => entry switch
        {
            TreeEntry.Directory directory => new ObjectName(ObjectKind.Tree, directory.Id),
            TreeEntry.File file when reach == Reach.Everything => new ObjectName(ObjectKind.File, file.Id),
            _ => (ObjectName?)null,
        }).OfType<ObjectName>();
    }

    // What a part leads to shows only when the part is here.
    private async Task FetchProofAsync(ObjectWriter writer, ObjectId commit, CancellationToken cancellation)
    {
        while (true)
        {
            var missing = new List<ObjectName>();
            new RepositoryClosure(Repository).AddProof(commit, missing.Add);
            if (missing.Count == 0)
                return;
            await FetchAsync(writer, [.. missing], cancellation);
        }
    }

    private static void Replace(string path, byte[] bytes)
    {
        File.WriteAllBytes(path + ".new", bytes);
        File.Move(path + ".new", path, overwrite: true);
    }

    private static string NameOf(ServerClient server) => ObjectId.Of(System.Text.Encoding.UTF8.GetBytes(server.Address)).ToString()[..16];
}
