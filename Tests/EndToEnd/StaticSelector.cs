using ContentTree.Tests.Boot;

namespace ContentTree.Tests.EndToEnd;

/// <summary>The selector as it is shipped: one static native program.</summary>
internal static class StaticSelector
{
    /// <summary>
    /// The program: the one CTREE_SELECT names, or the one in dist/bin when it is newer than every source, or one built now.
    /// </summary>
    public static string Path { get; } = Find();

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable("CTREE_SELECT") is { Length: > 0 } given)
            return given;
        var built = System.IO.Path.Combine(BootSamples.Repository, "dist/bin/ctree-select");
        var sources = Directory.GetFiles(System.IO.Path.Combine(BootSamples.Repository, "BootSelector"), "*.cs*", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal));
        if (File.Exists(built) && sources.All(path => File.GetLastWriteTimeUtc(path) < File.GetLastWriteTimeUtc(built)))
            return built;
        Programs.Run(BootSamples.Repository, "bash", "build.sh", "ctree-select");
        return built;
    }
}
