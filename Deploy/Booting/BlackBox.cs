using System.Globalization;
using System.Text;
using ContentTree.BootFile;
using ContentTree.Deploy.Health;
using ContentTree.Deploy.State;
using ContentTree.Store;

namespace ContentTree.Deploy.Booting;

/// <summary>
/// What is known about a trial that failed, one text file below <c>state/blackbox/</c>: for the server, and for whoever stands before
/// the device. <c>.txt</c> is still to be sent, <c>.sent</c> was.
/// </summary>
internal sealed class BlackBox(Device device)
{
    /// <summary>Longest box, in bytes.</summary>
    public const int MaxBytes = 192 * 1024;

    private const string UnsentSuffix = ".txt";
    private const string SentSuffix = ".sent";
    private const int Kept = 5;
    private const int MaxSection = 32 * 1024;

    /// <summary>Writes the box of a deployment that failed, durably. Written again after a crash, it is the same file. On a full disk there is none: it explains, and nothing hangs on it.</summary>
    public void Write(BootRecord record, BootedRecord booted, FallbackVerdict verdict)
    {
        try
        {
            WriteText(record, booted, verdict);
        }
        catch (PosixException e) when (e.IsOutOfSpace)
        {
            Forget();
        }
    }

    private void WriteText(BootRecord record, BootedRecord booted, FallbackVerdict verdict)
    {
        using (var state = Posix.OpenDirectory(device.Layout.State))
            DurableFiles.EnsureDirectory(state, "blackbox"u8, 0x1ed);
        using var directory = Posix.OpenDirectory(device.Root.BlackBox);
        DurableFiles.Replace(directory, Name(record.Wanted.ToString(), UnsentSuffix), Encoding.UTF8.GetBytes(Text(record, booted, verdict)));
        Forget();
    }

    /// <summary>The oldest box that the server has not got: its deployment and its text; null when it has all.</summary>
    public (string Deployment, string Text)? NextUnsent() => Files(UnsentSuffix) is [var path, ..] ? Read(path) : null;

    /// <summary>All that the server has not got, oldest first.</summary>
    public IReadOnlyList<(string Deployment, string Text)> Unsent() => [.. Files(UnsentSuffix).Select(Read).OfType<(string, string)>()];

    /// <summary>The server has it.</summary>
    public void MarkSent(string deployment)
    {
        using var directory = Posix.OpenDirectory(device.Root.BlackBox);
        Posix.RenameAt(directory, Name(deployment, UnsentSuffix), directory, Name(deployment, SentSuffix));
        Posix.Fsync(directory, device.Root.BlackBox);
    }

    private (string Deployment, string Text)? Read(string path)
    {
        using var directory = Posix.OpenDirectory(device.Root.BlackBox);
        var bytes = DurableFiles.TryRead(directory, Encoding.ASCII.GetBytes(Path.GetFileName(path)), MaxBytes);
        return bytes is null ? null : (Path.GetFileNameWithoutExtension(path), Encoding.UTF8.GetString(bytes));
    }

    private string Text(BootRecord record, BootedRecord booted, FallbackVerdict verdict)
    {
        var diary = new TrialDiary(device);
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"""
            ContentTree black box, version 1
            time={device.Clock.GetUtcNow():O}
            failed={record.Wanted}
            reason={verdict.Reason}
            why={verdict.Text}
            previous={record.Previous}
            last-resort={record.LastResort}
            sequence={record.Sequence}

            """));
        Section(text, "what boots now", booted.Format());
        Section(text, "boots of the trial, as its agent saw them", string.Concat(diary.Of(record.Wanted).Boots.Select(b =>
            string.Create(CultureInfo.InvariantCulture, $"boot {b.Boot} {b.Time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'} {b.Word}: {b.Text}\n"))));
        Section(text, "log of the selector", string.Concat(BootLogFile.Read(device.Root).Select(line => $"{line.Time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'} {line.Text}\n")));
        Section(text, "what its agent wrote down", diary.Evidence());
        foreach (var file in CrashRecords())
            Section(text, file, ReadText(file));
        return text.ToString();
    }

    private IEnumerable<string> CrashRecords() => device.Root.CrashRecords.Where(Directory.Exists)
        .SelectMany(directory => Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories)).OrderByDescending(File.GetLastWriteTimeUtc).Take(4);

    private static string ReadText(string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            var bytes = new byte[MaxSection];
            return Encoding.UTF8.GetString(bytes, 0, stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message + "\n";
        }
    }

    // The end of a log is what matters; a box is never longer than what the server takes.
    private static void Section(StringBuilder text, string title, string content)
    {
        if (content.Length == 0)
            return;
        var bytes = Encoding.UTF8.GetBytes(content);
        var room = Math.Min(MaxSection, MaxBytes - 1024 - Encoding.UTF8.GetByteCount(text.ToString()));
        if (room <= 0)
            return;
        text.Append(CultureInfo.InvariantCulture, $"\n== {title} ==\n").Append(Encoding.UTF8.GetString(bytes.AsSpan(Math.Max(0, bytes.Length - room))).Replace('\0', ' '));
    }

    private string[] Files(string suffix) => Directory.Exists(device.Root.BlackBox)
        ? [.. Directory.GetFiles(device.Root.BlackBox, "*" + suffix).OrderBy(File.GetLastWriteTimeUtc)]
        : [];

    private void Forget()
    {
        foreach (var path in Files(SentSuffix).Concat(Files(UnsentSuffix)).SkipLast(Kept))
            File.Delete(path);
    }

    private static byte[] Name(string deployment, string suffix) => Encoding.ASCII.GetBytes(deployment + suffix);
}
