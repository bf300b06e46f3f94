using System.ComponentModel;
using System.Diagnostics;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Booting;

/// <summary>
/// Activates within the running system: the selector chooses, counts and swaps the link, then the services are restarted. Each run is
/// what a boot is elsewhere: in a trial it costs a try.
/// </summary>
internal static class LinkActivation
{
    /// <summary>Nobody is thrown out by swapping a link, so it follows at once unless the configuration says never.</summary>
    public static bool IsAutomatic(Device device) => device.Config is { IsLinked: true, Reboot: not "never" };

    /// <param name="say">Hears what is done.</param>
    /// <exception cref="StoppedException">The selector did not run; the link leads where it led.</exception>
    public static void Run(Device device, Action<string> say)
    {
        var config = device.Config;
        if (Execute(device, "/bin/sh", "-c", config.LinkActivate) != 0)
            throw new StoppedException(ExitCode.Failed, $"'{config.LinkActivate}' failed, so {config.LinkPath} leads where it led");
        say($"{config.LinkPath} leads to {device.Booted?.Deployment}");
        // A service that does not start is what the trial finds out.
        if (config.LinkServices.Count > 0 && Execute(device, "systemctl", ["restart", .. config.LinkServices]) != 0)
            say($"not all of {string.Join(' ', config.LinkServices)} were restarted");
    }

    private static int Execute(Device device, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments);
        start.Environment["CTREE_ROOT"] = device.Root.Path;
        start.Environment["CTREE_LINK"] = device.Config.LinkPath;
        try
        {
            using var process = Process.Start(start);
            process?.WaitForExit();
            return process?.ExitCode ?? -1;
        }
        catch (Win32Exception e)
        {
            throw new StoppedException(ExitCode.Failed, $"{program}: {e.Message}");
        }
    }
}
