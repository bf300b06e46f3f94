namespace ContentTree.Tests.EndToEnd;

/// <summary>The selector as it is shipped: one static native program.</summary>
internal static class StaticSelector
{
    /// <summary>The program: the one CTREE_SELECT names, else that of this repository.</summary>
    public static string Path { get; } =
        Environment.GetEnvironmentVariable("CTREE_SELECT") is { Length: > 0 } given ? given : BuiltProgram.Find("ctree-select", "BootSelector");
}
