using System.Globalization;
using System.Text;
using ContentTree.Store;

namespace ContentTree.Deploy.Booting;

/// <summary>Reads the selector's log: <c>state/boot.log</c>, boots out of the ordinary, and on a booted device this boot's line in /run.</summary>
internal static class BootLogFile
{
    private const string RuntimeDirectory = "/run/ctree";
    private const int MaxBytes = 1 << 20;

    /// <summary>Lines that begin with a time, each once; a log that is not there has none.</summary>
    public static IEnumerable<(DateTimeOffset Time, string Text)> Read(DeviceRoot root)
    {
        var lines = Lines(root.Layout.State);
        var all = root.IsGiven ? lines : lines.Concat(Lines(RuntimeDirectory));
        return all.Distinct().Select(Parse).OfType<(DateTimeOffset, string)>();
    }

    private static string[] Lines(string directory)
    {
        if (!Directory.Exists(directory))
            return [];
        try
        {
            using var handle = Posix.OpenDirectory(directory);
            var bytes = DurableFiles.TryRead(handle, "boot.log"u8, MaxBytes);
            return bytes is null ? [] : Encoding.UTF8.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (FormatException)
        {
            return [];
        }
    }

    private static (DateTimeOffset, string)? Parse(string line) =>
        line.Split(' ', 2) is [var time, var text] &&
        DateTimeOffset.TryParseExact(time, "yyyy-MM-dd'T'HH:mm:ssK", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var when)
            ? (when, text)
            : null;
}
