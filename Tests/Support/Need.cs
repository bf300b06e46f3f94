namespace ContentTree.Tests.Support;

/// <summary>
/// Why a test cannot run on this machine. A developer's machine may lack something; continuous integration may not: there the test
/// runs all the same and fails, naming what it did not find.
/// </summary>
internal static class Need
{
    private static readonly bool IsIntegration = Environment.GetEnvironmentVariable("CI") == "true";

    /// <summary>What goes into <see cref="FactAttribute.Skip"/>; null runs the test.</summary>
    /// <param name="missing">Null when nothing is.</param>
    public static string? Skip(string? missing) => Skip(missing, IsIntegration);

    internal static string? Skip(string? missing, bool isIntegration) => isIntegration ? null : missing;

    /// <summary>Names the programs that are not on the path, and the packages that have them; null when all are there.</summary>
    public static string? Programs(string packages, params string[] programs)
    {
        var missing = programs.Where(program => !EndToEnd.Programs.Has(program)).ToArray();
        return missing.Length == 0 ? null : $"needs {string.Join(", ", missing)} (Debian packages {packages})";
    }
}
