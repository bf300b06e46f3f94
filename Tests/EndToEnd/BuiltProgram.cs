using ContentTree.Tests.Boot;

namespace ContentTree.Tests.EndToEnd;

/// <summary>The programs as they are shipped, in dist/bin.</summary>
internal static class BuiltProgram
{
    /// <summary>A program's path. One that is missing or older than its sources is built first.</summary>
    public static string Find(string name, params string[] projects)
    {
        var built = Path.Combine(BootSamples.Repository, "dist/bin", name);
        var sources = projects.SelectMany(project => Directory.GetFiles(Path.Combine(BootSamples.Repository, project), "*.cs*", SearchOption.AllDirectories))
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal));
        if (!File.Exists(built) || sources.Any(path => File.GetLastWriteTimeUtc(path) >= File.GetLastWriteTimeUtc(built)))
            Programs.Run(BootSamples.Repository, "bash", "build.sh", name);
        return built;
    }
}
