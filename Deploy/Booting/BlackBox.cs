using System.Globalization;
using System.Text;
using ContentTree.BootFile;
using ContentTree.Deploy.Health;
using ContentTree.Deploy.State;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

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
    private const string CommitKey = "commit=";
    private const int Kept = 5;
    private const int MaxSection = 32 * 1024;
    private const int MaxEvidence = 4;

    /// <summary>Writes the box of a deployment that failed, durably. Written again after a crash, it is the same file. On a full disk there is none: it explains, and nothing hangs on it.</summary>
    public void Write(FailedTrial trial)
    {
        try
        {
            WriteText(trial);
        }
        catch (PosixException e) when (e.IsOutOfSpace)
        {
            Forget();
        }
    }

    private void WriteText(FailedTrial trial)
    {
        using (var state = Posix.OpenDirectory(device.Layout.State))
            DurableFiles.EnsureDirectory(state, "blackbox"u8, 0x1ed);
        using var directory = Posix.OpenDirectory(device.Root.BlackBox);
        DurableFiles.Replace(directory, Name(trial.Record.Wanted.ToString(), UnsentSuffix), Encoding.UTF8.GetBytes(Text(trial)));
        Forget();
    }

    /// <summary>The oldest box that the server has not got; null when it has all.</summary>
    public BlackBoxRequest? NextUnsent() => Files(UnsentSuffix) is [var path, ..] ? Read(path) : null;

    /// <summary>All that the server has not got, oldest first.</summary>
    public IReadOnlyList<BlackBoxRequest> Unsent() => [.. Files(UnsentSuffix).Select(Read).OfType<BlackBoxRequest>()];

    /// <summary>The server has it.</summary>
    public void MarkSent(string deployment)
    {
        using var directory = Posix.OpenDirectory(device.Root.BlackBox);
        Posix.RenameAt(directory, Name(deployment, UnsentSuffix), directory, Name(deployment, SentSuffix));
        Posix.Fsync(directory, device.Root.BlackBox);
    }

    private BlackBoxRequest? Read(string path)
    {
        using var directory = Posix.OpenDirectory(device.Root.BlackBox);
        var bytes = DurableFiles.TryRead(directory, Encoding.ASCII.GetBytes(Path.GetFileName(path)), MaxBytes);
        if (bytes is null)
            return null;
        var text = Encoding.UTF8.GetString(bytes);
        return new BlackBoxRequest(Path.GetFileNameWithoutExtension(path), text, CommitIn(text));
    }

    // Its deployment may be gone when it is sent.
    private static ObjectId? CommitIn(string text)
    {
        var line = text.Split('\n').TakeWhile(line => line.Length > 0).FirstOrDefault(line => line.StartsWith(CommitKey, StringComparison.Ordinal));
        return line is not null && ObjectId.TryParse(line.AsSpan(CommitKey.Length), out var commit) ? commit : null;
    }

    private string Text(FailedTrial trial)
    {
        var (record, commit, booted, verdict, evidence) = trial;
        var diary = new TrialDiary(device);
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"""
            ContentTree black box, version 1
            time={device.Clock.GetUtcNow():O}
            failed={record.Wanted}
            {CommitKey}{commit?.ToString() ?? "unknown"}
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
        foreach (var left in evidence.Where(e => e.Content.Length > 0).Take(MaxEvidence))
            Section(text, left.Title, left.Content);
        return text.ToString();
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
