using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Publishing.Sources;

/// <summary>
/// What the program <c>.ctree/build</c> of a source makes of it, in a sandbox (docs/operations.md "What a source builds"). The source is laid
/// out in a directory of its own, which goes when the import ends.
/// </summary>
/// <param name="open">Opens the source that the options name.</param>
internal sealed class BuiltSource(PublishOptions options, string scratch, Func<PublishOptions, ISource> open) : ISource
{
    /// <summary>The program, in the source.</summary>
    public const string Program = MetadataRules.DirectoryName + "/build";

    private const int OwnersOnly = 0x1c0;

    private static readonly TimeSpan Abandoned = TimeSpan.FromDays(2);

    private readonly ISource _source = open(options with { IsToBuildFrom = true, Owner = (0, 0) });

    public string Key => _source.Key;

    /// <summary>For who reads a source that is to be published as it is.</summary>
    public static UnsupportedSourceException Refused() =>
        new(Program, "builds what is to be published: publish with --build, or take that file out to publish the source itself");

    public (ImportResult Import, Provenance Provenance) Import(ObjectWriter writer, SafeFileHandle cache, CancellationToken cancellation)
    {
        var work = Path.Combine(scratch, $"build-{Guid.NewGuid():N}");
        RemoveAbandoned();
        Directory.CreateDirectory(work);
        try
        {
            var (laidOut, made) = (Path.Combine(work, "source"), Path.Combine(work, "made"));
            var provenance = LayOut(work, laidOut, cache, cancellation);
            if (!File.Exists(Path.Combine(laidOut, Program)))
                throw new UnsupportedSourceException(options.Source, $"has no {Program}; publish without --build");
            Directory.CreateDirectory(made);
            Sandbox.Run(laidOut, Program, made, options.Build ?? BuildLimits.Default, cancellation);
            var (import, _) = new SourceDirectory(options with { Source = made, NoCache = true, Build = null }, scratch).Import(writer, cache, cancellation);
            return (import, provenance);
        }
        finally
        {
            TryRemove(work);
        }
    }

    // Those of builds that were killed.
    private void RemoveAbandoned()
    {
        foreach (var old in Directory.Exists(scratch) ? Directory.EnumerateDirectories(scratch, "build-*") : [])
        {
            if (Directory.GetCreationTimeUtc(old) < DateTime.UtcNow - Abandoned)
                TryRemove(old);
        }
    }

    // Builds make directories that even their owner cannot write to. What stays all the same is tried again by a later build.
    private static void TryRemove(string work)
    {
        try
        {
            using (var directory = Posix.OpenDirectory(work))
                MakeWritable(directory);
            Directory.Delete(work, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static void MakeWritable(SafeFileHandle directory)
    {
        Posix.SetPermissions(directory, OwnersOnly, "build");
        foreach (var (name, _) in Posix.ReadDirectory(directory, "build").Where(entry => Posix.StatAt(directory, entry.Name)?.Type == FileType.Directory))
        {
            using var inside = Posix.OpenDirectoryAt(directory, name);
            MakeWritable(inside);
        }
    }

    // Through a repository of its own: what a source is built from is nobody's to fetch.
    private Provenance LayOut(string work, string laidOut, SafeFileHandle cache, CancellationToken cancellation)
    {
        using var repository = Repository.Create(Path.Combine(work, "repo"));
        using var writer = repository.BeginWriting();
        var (import, provenance) = _source.Import(writer, cache, cancellation);
        writer.Complete();
        RepositoryCheckout.Run(repository, import.Tree, laidOut);
        return provenance;
    }
}
