using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ContentTree.BootFile;
using ContentTree.Deploy.State;
using ContentTree.Store;

namespace ContentTree.Deploy.Booting;

/// <summary>
/// What speaks against a tree whose agent said nothing: the selector could not start it, its kernel panicked, its deadline or the watchdog
/// ended it. Power cuts leave nothing of that. What was there before the trial is told apart by its content, since clocks may be wrong.
/// </summary>
internal sealed class TrialEvidence(Device device)
{
    private const int MaxRecord = 1 << 20;
    private const int MaxRecords = 64;
    private const int MaxWords = 64 << 10;
    private const int ResetByWatchdog = 0x20; // WDIOF_CARDRESET

    private static readonly EnumerationOptions OwnFilesOnly = new() { RecurseSubdirectories = true, MaxRecursionDepth = 4, AttributesToSkip = FileAttributes.ReparsePoint };

    /// <summary>Marks of all that is there now, for a trial that is about to begin.</summary>
    public IReadOnlyList<string> Marks(DeploymentName trial) => [.. CrashRecords().Concat(Notes(trial)).Select(e => e.Mark).Distinct()];

    /// <summary>What a trial left behind, in the order in which it convinces.</summary>
    public IReadOnlyList<Evidence> Of(TrialState trial, BootedRecord booted)
    {
        var found = Notes(trial.Deployment).Concat(CrashRecords()).Where(e => trial.Older?.Contains(e.Mark) != true);
        return [.. found.Concat(LastWords(trial.Deployment)).Concat(Resets(booted))];
    }

    /// <summary>The last words were heard, or are of no trial that matters any more.</summary>
    public void Forget()
    {
        if (Path.GetDirectoryName(device.Layout.LastWords) is { } parent && Directory.Exists(parent))
            File.Delete(device.Layout.LastWords);
    }

    private IEnumerable<Evidence> Notes(DeploymentName failed)
    {
        foreach (var (time, text) in BootLogFile.Read(device.Root))
        {
            if (text.StartsWith(BootNote.CannotBoot(failed), StringComparison.Ordinal))
                yield return new Evidence(MarkOf($"{time:O} {text}"), "", "", $"the selector could not start it: {text}");
        }
    }

    // Newest first. What is compressed or is no panic (a console, an orderly end) says nothing against the tree, but may explain.
    private IEnumerable<Evidence> CrashRecords()
    {
        var files = device.Root.CrashRecords.Where(Directory.Exists).SelectMany(directory => Directory.EnumerateFiles(directory, "*", OwnFilesOnly));
        foreach (var file in files.OrderByDescending(File.GetLastWriteTimeUtc).Take(MaxRecords))
        {
            if (TryRead(file, MaxRecord) is { } text)
                yield return new Evidence(MarkOf(text), file, text, IsPanic(text) ? $"its kernel panicked ({Path.GetFileName(file)})" : null);
        }
    }

    private IEnumerable<Evidence> LastWords(DeploymentName failed)
    {
        if (TryRead(device.Layout.LastWords, MaxWords) is { } text && text.StartsWith($"deployment={failed}\n", StringComparison.Ordinal))
            yield return new Evidence("", "what its deadline found", text, "nobody confirmed it before its deadline");
    }

    // A watchdog knows only how the boot before this one ended, so only the first boot of the fallback can ask it.
    private IEnumerable<Evidence> Resets(BootedRecord booted)
    {
        if (device.Config.IsLinked || booted is not { State: BootState.Fallback, Tries: BootRecord.DefaultTries - 1 } || !Directory.Exists(device.Root.Watchdogs))
            yield break;
        foreach (var watchdog in Directory.GetFileSystemEntries(device.Root.Watchdogs))
        {
            if (int.TryParse(TryReadUnsized(Path.Combine(watchdog, "bootstatus")), NumberStyles.None, CultureInfo.InvariantCulture, out var status) && (status & ResetByWatchdog) != 0)
                yield return new Evidence("", "", "", $"the watchdog ended its last boot ({Path.GetFileName(watchdog)})");
        }
    }

    private static string? TryRead(string file, int max)
    {
        try
        {
            using var directory = Posix.OpenDirectory(Path.GetDirectoryName(file) ?? "/");
            return DurableFiles.TryRead(directory, Encoding.UTF8.GetBytes(Path.GetFileName(file)), max) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;
        }
        catch (Exception e) when (e is IOException or FormatException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? TryReadUnsized(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string MarkOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));

    // The kernel's first line of each part: why it was written down, and how often it was.
    private static bool IsPanic(string text) => text.Split('\n').Any(line => line.StartsWith("Panic#", StringComparison.Ordinal) && line.Contains(" Part", StringComparison.Ordinal));
}
