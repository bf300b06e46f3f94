using System.ComponentModel;
using System.Diagnostics;

namespace ContentTree.Deploy.Booting;

/// <summary>Starts what was chosen: the machine again, or the link's services.</summary>
internal static class Reboot
{
    /// <param name="say">Hears what is done.</param>
    public static void Run(Device device, Action<string> say)
    {
        if (device.Config.IsLinked)
            LinkActivation.Run(device, say);
        else if (device.Root.IsGiven)
            say($"no reboot: {device.Root.Path} was given with --root");
        else if (device.Config.Reboot == "command")
            Start("/bin/sh", "-c", device.Config.RebootCommand);
        else if (!Start("systemctl", "reboot"))
            Start("reboot");
    }

    private static bool Start(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments));
            process?.WaitForExit();
            return process?.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
