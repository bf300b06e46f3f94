namespace ContentTree.Deploy.Health;

/// <summary>The units that systemd calls failed.</summary>
internal static class FailedUnits
{
    private const string RuntimeDirectory = "/run/systemd/system";

    /// <summary>Their names; none where there is no systemd to ask, or it does not answer.</summary>
    public static async Task<IReadOnlyList<string>> FindAsync(CheckProgram program, CancellationToken cancellation) => Directory.Exists(RuntimeDirectory)
        ? Parse(await program.PrintedAsync("systemctl", ["list-units", "--state=failed", "--plain", "--no-legend", "--no-pager"], cancellation).ConfigureAwait(false) ?? "")
        : [];

    /// <summary>The same for who cannot wait in turns; none below a root that was given.</summary>
    public static IReadOnlyList<string> Now(Device device) => device.Root.IsGiven
        ? []
        : FindAsync(new CheckProgram(device.Config.CheckTimeout, device.Clock), CancellationToken.None).GetAwaiter().GetResult();

    /// <summary>The names in what <c>systemctl list-units --plain --no-legend</c> prints.</summary>
    public static IReadOnlyList<string> Parse(string printed) =>
        [.. printed.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(words => words.Length >= 4).Select(words => words[0])];
}
