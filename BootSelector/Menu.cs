using System.Globalization;
using System.Text;
using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>The list of complete deployments on the console, from which somebody may choose one by its number.</summary>
internal static class Menu
{
    private const string Console = "/dev/console";
    private const int MaxLine = 64;

    /// <summary>One line a deployment, the newest first, and how to choose.</summary>
    public static void Show(IReadOnlyList<CompleteDeployment> complete, BootRecord? record, int seconds, Terminal terminal)
    {
        for (var i = 0; i < complete.Count; i++)
            terminal.Say($"{(i + 1).ToString(CultureInfo.InvariantCulture)}) {complete[i].Name}{Role(complete[i].Name, record)}");
        terminal.Say($"a number and Enter boots that one, once and uncounted; Enter or {seconds} s of nothing boots as usual");
    }

    /// <summary>What a typed line chooses; null when it is no number of the list.</summary>
    public static DeploymentName? Choose(string line, IReadOnlyList<CompleteDeployment> complete) =>
        int.TryParse(line.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 && number <= complete.Count
            ? complete[number - 1].Name
            : null;

    /// <summary>The line that somebody types within the time, or "".</summary>
    public static string ReadLine(int seconds)
    {
        var fd = Kernel.Open(Console, Libc.O_RDWR | Libc.O_NOCTTY | Kernel.O_NONBLOCK | Kernel.O_CLOEXEC, 0);
        if (fd < 0)
            return "";
        var line = new StringBuilder();
        var end = Environment.TickCount64 + (seconds * 1000L);
        while (line.Length < MaxLine && !EndsLine(line) && Libc.WaitToRead(fd, end - Environment.TickCount64))
            line.Append(Libc.ReadText(fd, MaxLine));
        _ = Kernel.close(fd);
        return EndsLine(line) ? line.ToString() : "";
    }

    private static bool EndsLine(StringBuilder line) => line.Length > 0 && line[^1] is '\n' or '\r';

    private static string Role(DeploymentName name, BootRecord? record) =>
        name == record?.Wanted ? " (wanted)" : name == record?.Previous ? " (previous)" : "";
}
