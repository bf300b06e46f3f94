using System.Globalization;
using System.Text;
using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>
/// One line per boot: always to /run, to the device's own state only when something was out of the ordinary, because a healthy
/// device should not wear its flash.
/// </summary>
internal static class BootLog
{
    private const string RunPath = "/run/ctree/boot.log";
    private const int MaxSize = 1 << 16;
    private const int KeptSize = 1 << 15;

    /// <summary>The log that stays on the device.</summary>
    public static string PathOn(DeviceLayout layout) => Path.Combine(layout.State, "boot.log");

    /// <summary>What is written about a choice.</summary>
    public static string LineOf(Choice choice)
    {
        var what = choice.Decision is BootDecision.Boot boot ? "boot " + boot.Deployment : "rescue";
        var problem = choice.Problem.Length > 0 ? " [" + choice.Problem + "]" : "";
        return $"{what}: {choice.Decision.Why}{problem}";
    }

    /// <summary>Never fails: a log that cannot be written stops no boot.</summary>
    public static void Add(DeviceLayout layout, Choice choice, Terminal terminal, bool toRun = true)
    {
        terminal.Say(LineOf(choice));
        var line = Now() + " " + LineOf(choice);
        if (toRun)
            TryAppend(RunPath, line, terminal);
        var ordinary = choice.Record?.State == BootState.Good && choice.Decision is BootDecision.Boot;
        if (!ordinary)
            TryAppend(PathOn(layout), line, terminal);
    }

    /// <summary>Something out of the ordinary beside the choice. Never fails.</summary>
    public static void Note(DeviceLayout layout, string text, Terminal terminal)
    {
        terminal.Say(text);
        TryAppend(PathOn(layout), Now() + " " + text, terminal);
    }

    /// <summary>Appends a line; of a log grown past 64 KiB the newer half is kept.</summary>
    public static void Append(string path, string line)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path) ?? "/");
        using var file = RegularFile.Open(path, Libc.O_RDWR | Kernel.O_CREAT | Libc.O_APPEND);
        if (file.Size >= MaxSize)
        {
            SmallFile.Write(path, NewerHalf(file) + line + "\n");
            return;
        }
        file.Append(Encoding.UTF8.GetBytes(line + "\n"));
        // A tree that panics takes everything with it that is not on the medium.
        file.Flush();
    }

    private static string NewerHalf(RegularFile file)
    {
        var bytes = new byte[Math.Min(file.Size, 4 * MaxSize)];
        var kept = bytes.AsSpan(0, file.Read(bytes));
        kept = kept[^Math.Min(kept.Length, KeptSize)..];
        return Encoding.UTF8.GetString(kept[(kept.IndexOf((byte)'\n') + 1)..]);
    }

    // By hand: the base library's date formats and time zones would be a tenth of the program.
    private static string Now()
    {
        var now = DateTime.UnixEpoch.AddSeconds(Libc.time(0));
        return $"{now.Year}-{Two(now.Month)}-{Two(now.Day)}T{Two(now.Hour)}:{Two(now.Minute)}:{Two(now.Second)}Z";
    }

    private static string Two(int number) => number.ToString("D2", CultureInfo.InvariantCulture);

    private static void TryAppend(string path, string line, Terminal terminal)
    {
        try
        {
            Append(path, line);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            terminal.Say("cannot log: " + e.Message);
        }
    }
}
