using System.Globalization;
using System.Text;
using ContentTree.Server.Ostree;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Publishing.Sources.Ostree;

/// <summary>A commit of an OSTree repository, of this machine or of a web server: exactly its tree.</summary>
internal sealed class OstreeSource(OstreeAddress address, PublishOptions options) : ISource
{
    // Of a commit's texts, which a device reads too.
    private const int MaxText = 200;
    private const int MaxBody = 10_000;

    public string Key => ObjectId.Of(Encoding.UTF8.GetBytes(OstreeAddress.Prefix + address.Shown)).ToString()[..32];

    public (ImportResult Import, Provenance Provenance) Import(ObjectWriter writer, SafeFileHandle cache, CancellationToken cancellation)
    {
        if (options.Owner is not null && !options.IsToBuildFrom)
            throw new UnsupportedSourceException(address.Shown, "has the owners of its files; --owner is for sources that do not know them");
        using IOstreeFiles files = address.Url is null ? new OstreeFolder(address.Place) : new OstreeServer(address, cancellation);
        var repository = new OstreeRepository(files);
        var (checksum, commit) = ReadCommit(repository);
        using var map = new OstreeMap(PathOf(cache));
        using var reader = new OstreeTreeReader(repository, files.Readers, writer, map, cancellation);
        try
        {
            var made = reader.Read(commit.Root, commit.RootMetadata);
            var import = new ImportResult(made.Id, made.Entries, made.Bytes, made.Architecture, reader.FilesRead, reader.FilesKnown);
            return (import, Describe(checksum, commit));
        }
        finally
        {
            // Also after a line that broke: what came is not fetched again.
            writer.Complete();
        }
    }

    private (ObjectId Checksum, OstreeCommit Commit) ReadCommit(OstreeRepository repository)
    {
        var (name, checksum) = address.Commit is { } named ? ("", named) : repository.Resolve(address.Revision);
        if (options.ExpectedRevision is { } expected && expected != checksum.ToString())
            throw new DamagedSourceException(address.Shown, $"the commit is {checksum}, not {expected}");
        var commit = repository.ReadCommit(checksum);
        // As ostree does it: a mirror must not pass one branch's commit off as another's.
        var bare = name[(name.IndexOf(':') + 1)..];
        if (name.Length > 0 && commit.Refs is { } refs && !refs.Contains(bare))
            throw new DamagedSourceException(address.Shown, $"the commit at '{name}' was made for other refs: {string.Join(", ", refs.Select(OneLine))}");
        return (checksum, commit);
    }

    private Provenance Describe(ObjectId checksum, OstreeCommit commit) => new(new CommitSource(CommitSourceKind.Ostree, address.Shown, checksum.ToString()))
    {
        Subject = OneLine(commit.Subject),
        Body = string.Concat(commit.Body.EnumerateRunes().Where(rune => !Rune.IsControl(rune) || rune.Value == '\n' || rune.Value == '\t').Take(MaxBody)),
        Version = OneLine(commit.Version),
        Created = commit.Timestamp <= (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds((long)commit.Timestamp).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)
            : "",
    };

    private static string OneLine(string text) => string.Concat(text.EnumerateRunes().Where(rune => !Rune.IsControl(rune)).Take(MaxText));

    // The handle is all that a source is given; SQLite wants a path.
    private static string PathOf(SafeFileHandle directory) =>
        new FileInfo($"/proc/self/fd/{directory.DangerousGetHandle()}").LinkTarget ?? throw new IOException("the cache's directory is gone");
}
