using ContentTree.BootFile;

namespace ContentTree.Tests.Boot;

/// <summary>Names, records and files that the boot tests share.</summary>
internal static class BootSamples
{
    public static string Repository { get; } = FindRepository();

    public static string Vectors { get; } = Path.Combine(Repository, "Tests/Vectors/boot");

    public static DeploymentName Name(ulong number) => new(number, Commit(number));

    /// <summary>A commit id that belongs to the number.</summary>
    public static string Commit(ulong number) => number.ToString("x8", null) + new string('e', 56);

    public static CompleteDeployment Complete(ulong number) => new(Name(number), new DeploymentMarker(Commit(number), ""));

    public static BootRecord Record(BootState state, ulong wanted, ulong? previous, int tries, ulong? lastResort = null) => new()
    {
        Sequence = 7,
        Wanted = Name(wanted),
        Previous = previous is { } p ? Name(p) : null,
        State = state,
        TriesLeft = tries,
        LastResort = lastResort is { } l ? Name(l) : null,
    };

    public static byte[] Vector(string path) => Convert.FromHexString(string.Concat(File.ReadAllLines(path)));

    private static string FindRepository()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "ContentTree.sln")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new DirectoryNotFoundException("no ContentTree.sln above the tests");
    }
}
