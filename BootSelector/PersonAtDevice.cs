using System.Globalization;
using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>
/// What somebody at the device wants at this boot: a key held down, the previous deployment; a list on the console, any of them. Looked
/// for only where the kernel's command line asks for it, since nobody stands at most devices and waiting costs time.
/// </summary>
internal sealed class PersonAtDevice(KernelCommandLine commandLine, Terminal terminal)
{
    private const int DefaultKeySeconds = 1;
    private const int DefaultMenuSeconds = 30;

    /// <summary>Never fails: without an answer it boots as usual.</summary>
    public void Ask(DeviceLayout layout, Selector selector)
    {
        try
        {
            if (HoldsKey())
                selector.OverridePrevious = true;
            else if (commandLine.IsSet("ctree.menu"))
                selector.OverrideName = Choose(layout, selector) ?? selector.OverrideName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            terminal.Say(e.Message);
        }
    }

    private bool HoldsKey()
    {
        if (!int.TryParse(commandLine["ctree.key"], NumberStyles.None, CultureInfo.InvariantCulture, out var code))
            return false;
        var seconds = commandLine.Seconds("ctree.key-wait", DefaultKeySeconds);
        terminal.Say($"key {code} held within {seconds} s boots the previous deployment");
        return HeldKey.IsSeen(code, seconds);
    }

    private DeploymentName? Choose(DeviceLayout layout, Selector selector)
    {
        var complete = DeploymentSet.Scan(layout);
        var seconds = commandLine.Seconds("ctree.menu", DefaultMenuSeconds);
        Menu.Show(complete, selector.Look().Record, seconds, terminal);
        return Menu.Choose(Menu.ReadLine(seconds), complete);
    }
}
