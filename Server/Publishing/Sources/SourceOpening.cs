using ContentTree.Server.Publishing.Sources.Bundles;
using ContentTree.Server.Publishing.Sources.Git;
using ContentTree.Server.Publishing.Sources.Images;
using ContentTree.Server.Publishing.Sources.Ostree;
using ContentTree.Server.Publishing.Sources.Tar;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Publishing.Sources;

/// <summary>Tells by its look what a source is.</summary>
internal static class SourceOpening
{
    /// <summary>What a git repository's address begins with.</summary>
    public const string GitPrefix = "git:";

    /// <param name="keepOut">The publisher's own directory; mirrors of git repositories are kept there.</param>
    /// <exception cref="UnsupportedSourceException">It is nothing that can be published.</exception>
    public static ISource Open(PublishOptions options, string keepOut)
    {
        var source = options.Build is null ? OpenPlain(options, keepOut) : new BuiltSource(options, Path.Combine(keepOut, "cache"), plain => OpenPlain(plain, keepOut));
        return options.Stamp is { } stamp ? new StampedSource(source, options, stamp) : source;
    }

    private static ISource OpenPlain(PublishOptions options, string keepOut)
    {
        if (options.Source.StartsWith(GitPrefix, StringComparison.Ordinal))
            return new GitSource(GitAddress.Parse(options.Source[GitPrefix.Length..]), options, Path.Combine(keepOut, GitMirror.Folder));
        if (options.Subdirectory.Names.Count > 0)
            throw new UnsupportedSourceException(options.Source, "is no git repository, and only of one a directory can be named; name the directory itself");
        if (options.Source.StartsWith(OstreeAddress.Prefix, StringComparison.Ordinal))
            return new OstreeSource(OstreeAddress.Parse(options.Source[OstreeAddress.Prefix.Length..]), options);
        if (!File.Exists(options.Source))
            return new SourceDirectory(options, keepOut);
        return LookAt(options.Source) switch
        {
            ImageKind.Squashfs => new TarSource(options, SquashfsImage.Reader),
            ImageKind.Ext => new ExtSource(options),
            ImageKind.Disk => throw new UnsupportedSourceException(options.Source, "is a whole disk with a partition table; cut out the partition that is the tree, " +
                "for instance with 'dd skip=START count=SECTORS' by the numbers of 'sfdisk -d'"),
            _ when BundleSource.IsOne(options.Source) => new BundleSource(options),
            _ => new TarSource(options),
        };
    }

    private static ImageKind LookAt(string path)
    {
        try
        {
            return ImageLook.Of(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnsupportedSourceException(path, $"cannot be read: {e.Message}");
        }
    }
}
