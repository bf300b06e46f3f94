using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>
/// What keeps garbage collection and publishes out of each other's way without a lock that either waits for. A publish is a locked directory
/// in <c>staging/</c> whose name begins with its start. An object that it is told is here, and that is older than <see cref="Grain"/>, gets
/// the present as its age; a collection spares what is younger than the oldest publish under way less that grain. A publish that
/// begins while one runs renews whatever is older than itself.
/// </summary>
internal static class PublishLeases
{
    /// <summary>How much older than a publish an object may be without being renewed: to renew one costs a write.</summary>
    public static readonly TimeSpan Grain = TimeSpan.FromHours(12);

    private static readonly TimeSpan Starting = TimeSpan.FromMinutes(1);

    /// <summary>The name of a publish's directory.</summary>
    public static byte[] NewName() => Encoding.ASCII.GetBytes($"{Now()}-{Environment.ProcessId}-{Guid.NewGuid():N}");

    /// <summary>Nanoseconds since 1970: what is younger need not be renewed by a publish that begins now and has its directory.</summary>
    public static long FreshAfter(SafeFileHandle root) => RepositoryLock.IsTaken(root) ? Now() : Now() - Nanoseconds(Grain);

    /// <summary>What is younger may have been promised to a publish that is under way.</summary>
    public static long SparedAfter(SafeFileHandle root)
    {
        var oldest = long.MaxValue;
        using var staging = Posix.OpenDirectoryAt(root, "staging"u8);
        foreach (var (name, _) in Posix.ReadDirectory(staging, "staging"))
        {
            if (IsUnderWay(staging, name) && StartOf(name) is var start && start < oldest)
                oldest = start;
        }
        return oldest == long.MaxValue ? oldest : oldest - Nanoseconds(Grain);
    }

    private static bool IsUnderWay(SafeFileHandle staging, byte[] name)
    {
        try
        {
            using var directory = Posix.OpenDirectoryAt(staging, name);
            // Between making it and locking it is a moment.
            return !Posix.TryLock(directory, exclusive: true, wait: false, "staging") || StartOf(name) > Now() - Nanoseconds(Starting);
        }
        catch (PosixException e) when (e.Errno is Posix.ENOENT or Posix.ENOTDIR)
        {
            return false;
        }
    }

    private static long StartOf(byte[] name) =>
        long.TryParse(Encoding.ASCII.GetString(name).Split('-')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var start) ? start : Now();

    private static long Now() => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1_000_000;

    private static long Nanoseconds(TimeSpan time) => (long)time.TotalMilliseconds * 1_000_000;
}
