using System.Globalization;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>How much is tried, and which random choices are made; docs/testing.md.</summary>
internal static class CrashProfile
{
    private const int DefaultTrials = 1500;
    private const int DefaultSeed = 4242;
    private const int DefaultPublishTrials = 120;
    private const int DefaultPowerCuts = 3000;
    private const int DefaultF2fsCuts = 120;
    private const int DefaultLoaderCuts = 400;
    private const int DefaultChainedCuts = 50;

    /// <summary>Trials of all workflows together, about.</summary>
    public static int Trials { get; } = Number("CTREE_CRASH_TRIALS", DefaultTrials);

    /// <summary>Kills and failing disks of publishes, all together.</summary>
    public static int PublishTrials { get; } = Number("CTREE_PUBLISH_TRIALS", DefaultPublishTrials);

    /// <summary>Kills of an agent that hands a black box over: each starts it twice, and an agent takes its time.</summary>
    public static int BlackBoxKills { get; } = Math.Max(Trials / 50, 2);

    /// <summary>Disks that a power cut may have left, of all recordings together.</summary>
    public static int PowerCuts { get; } = Number("CTREE_POWER_CUTS", DefaultPowerCuts);

    /// <summary>The same of a disk that is f2fs: each is mounted in an emulated machine, which takes its time.</summary>
    public static int F2fsCuts { get; } = Number("CTREE_F2FS_CUTS", DefaultF2fsCuts);

    /// <summary>The same of a boot partition of FAT with a loader's files, which a virtual machine mounts too.</summary>
    public static int LoaderCuts { get; } = Number("CTREE_LOADER_CUTS", DefaultLoaderCuts);

    /// <summary>Times that machines lose their power while they work, all together.</summary>
    public static int ChainedCuts { get; } = Number("CTREE_CHAINED_CUTS", DefaultChainedCuts);

    /// <summary>Where the random choices begin: the same number makes the same choices again. Long runs choose others.</summary>
    public static int Seed { get; } = Number("CTREE_CRASH_SEED", DefaultSeed);

    /// <summary>The first and the last of the calls and as many between as there is room for, all when they fit.</summary>
    public static IEnumerable<long> Spread(long calls, long room) => room >= calls
        ? Enumerable.Range(1, (int)calls).Select(call => (long)call)
        : Enumerable.Range(0, (int)room).Select(i => 1 + i * (calls - 1) / Math.Max(1, room - 1));

    /// <summary>How many each may have at most, so that all together have about <paramref name="room"/> and the small ones what they want.</summary>
    public static long Level(long room, IEnumerable<long> wants)
    {
        var left = wants.Order().ToArray();
        for (var i = 0; i < left.Length; i++)
        {
            if (left[i] * (left.Length - i) >= room)
                return Math.Max(1, room / (left.Length - i));
            room -= left[i];
        }
        return left[^1];
    }

    /// <summary>Adds a line to what the runs of this checkout found.</summary>
    public static void Record(string line)
    {
        Directory.CreateDirectory(ProjectFiles.PathOf(".work/results"));
        File.AppendAllLines(ProjectFiles.PathOf(".work/results/crash.txt"), [line]);
    }

    private static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
