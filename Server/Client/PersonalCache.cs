namespace ContentTree.Server.Client;

/// <summary>Where a person's programs keep what can be made again (XDG Base Directory Specification).</summary>
internal static class PersonalCache
{
    /// <summary>The folder of that name; it need not be there.</summary>
    public static string PathOf(string name) => Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
            ? cache
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
        name);
}
