namespace ContentTree.Tests.Support;

/// <summary>Where the project's own files are, from wherever the tests run.</summary>
public static class ProjectFiles
{
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    public static string PathOf(string relative) => Path.Combine(Root, relative);

    private static string Find(string directory) => File.Exists(Path.Combine(directory, "ContentTree.sln"))
        ? directory
        : Find(Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("ContentTree.sln was not found above the tests"));
}
