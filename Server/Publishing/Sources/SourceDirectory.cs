using System.Text;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Publishing.Sources;

/// <summary>A directory to publish, with what earlier imports of it learned.</summary>
internal sealed class SourceDirectory : ISource
{
    private readonly string _path;
    private readonly PublishOptions _options;

    /// <param name="keepOut">The publisher's own directory: inside the source it would be published into itself.</param>
    /// <exception cref="UnsupportedSourceException">No directory, or it holds the publisher's data.</exception>
    public SourceDirectory(PublishOptions options, string keepOut)
    {
        _options = options;
        if (!Directory.Exists(options.Source))
            throw new UnsupportedSourceException(options.Source, File.Exists(options.Source) ? "is not a directory" : "no such directory");
        _path = RealPath(options.Source);
        if ((RealPath(keepOut) + "/").StartsWith(_path.TrimEnd('/') + "/", StringComparison.Ordinal))
            throw new UnsupportedSourceException(options.Source, $"holds {keepOut}, which cannot be published into itself; choose another place with --data or --cache");
    }

    public string Key => ObjectId.Of(Encoding.UTF8.GetBytes(_path)).ToString()[..32];

    /// <summary>Reads the directory. The stat cache is saved only after everything it speaks of is durable.</summary>
    public (ImportResult Import, Provenance Provenance) Import(ObjectWriter writer, SafeFileHandle cacheFolder, CancellationToken cancellation)
    {
        var name = Encoding.ASCII.GetBytes(Key + ".stat");
        if (!_options.IsToBuildFrom && File.Exists(Path.Combine(_path, BuiltSource.Program)))
            throw BuiltSource.Refused();
        var cache = _options.NoCache || _options.IsToBuildFrom ? null : StatCache.Load(cacheFolder, name);
        var import = DirectoryImport.Run(_path, writer, new ImportOptions { Owner = _options.Owner, Cache = cache, IsWhole = _options.IsToBuildFrom }, cancellation);
        writer.Complete();
        cache?.Save(cacheFolder, name);
        // The same directory on another machine is the same source: its path there says nothing.
        return (import, new Provenance(new CommitSource(CommitSourceKind.Directory)));
    }

    /// <summary>Where a path leads, through all links.</summary>
    public static string RealPath(string path)
    {
        var full = Path.GetFullPath(path);
        var resolved = new StringBuilder("/");
        foreach (var segment in full.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var next = Path.Combine(resolved.ToString(), segment);
            var target = Path.Exists(next) ? new DirectoryInfo(next).ResolveLinkTarget(returnFinalTarget: true) : null;
            resolved.Clear().Append(target?.FullName ?? next);
        }
        return resolved.ToString();
    }
}
