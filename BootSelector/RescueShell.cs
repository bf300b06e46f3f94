using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>
/// A shell on the console for whoever stands before a device that boots nothing: that of the initramfs, else that of a complete deployment. It is
/// a child: PID 1 must not end.
/// </summary>
internal sealed class RescueShell(DeviceLayout? layout, Terminal terminal)
{
    private const string Shell = "/bin/sh";
    private const string Place = "/ctree-shell";

    private static readonly string[] KernelMounts = ["dev", "proc", "sys", "run"];

    /// <summary>Waits until it is left. False when there is none.</summary>
    public bool Run()
    {
        // Whoever called may have no input: dracut's services have none.
        Libc.OpenConsole();
        if (Kernel.StatusOf(Shell) is not null)
            return Start("the initramfs");
        if (layout is not null)
        {
            foreach (var (name, _) in DeploymentSet.Scan(layout))
            {
                if (Libc.ExistsInRoot(layout.Deployment(name), Shell) && TryStartIn(layout, name))
                    return true;
            }
        }
        terminal.Say("there is no shell, neither in this initramfs nor in a complete deployment");
        return false;
    }

    private bool TryStartIn(DeviceLayout device, DeploymentName name)
    {
        try
        {
            Show(device, name);
            var here = Kernel.Open("/", Libc.O_PATH | Kernel.O_DIRECTORY | Kernel.O_CLOEXEC, 0);
            Libc.Check(Libc.chroot(Place), "cannot make the root of", Place);
            Libc.Check(Libc.chdir("/"), "cannot enter", "/");
            var started = Start($"{name}, with the disk's own /ctree writable");
            Libc.Check(Libc.fchdir(here), "cannot go back to", "the initramfs");
            Libc.Check(Libc.chroot("."), "cannot make the root of", "the initramfs");
            _ = Kernel.close(here);
            Mounts.Remove(Place);
            return started;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            terminal.Say($"no shell of {name}: {e.Message}");
            return false;
        }
    }

    private void Show(DeviceLayout device, DeploymentName name)
    {
        Directory.CreateDirectory(Place);
        new NewRoot(device, Place, terminal).Build(name, init: null);
        Mounts.Bind(Path.Combine(device.Root, "ctree"), Path.Combine(Place, "ctree"), readOnly: false);
        foreach (var mount in KernelMounts)
            Mounts.Bind("/" + mount, Path.Combine(Place, mount), readOnly: false);
    }

    private bool Start(string whose)
    {
        terminal.Say($"a shell of {whose}; 'exit' reboots");
        Libc.ResetProcess();
        if (Libc.RunChild(Shell, [Shell], ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", "TERM=linux"]))
            return true;
        terminal.Say(Kernel.Error("cannot start", Shell).Message);
        return false;
    }
}
