namespace ContentTree.Tests.Support;

/// <summary>A test in which a monitoring system's own program judges a file; skipped by name where test.sh has not unpacked them.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class JudgeFactAttribute : FactAttribute
{
    public JudgeFactAttribute() => Skip = Need.Skip(File.Exists(Path.Combine(Judges, "usr/bin/promtool")) ? null : "needs .work/judges, which test.sh unpacks");

    /// <summary>Where they are.</summary>
    public static string Judges => Path.Combine(Trust.TestFiles.Root, ".work/judges");
}
