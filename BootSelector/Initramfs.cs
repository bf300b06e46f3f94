using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>What the selector does as PID 1 of an initramfs: from nothing mounted to init of the chosen tree.</summary>
internal sealed class Initramfs(KernelCommandLine early)
{
    private const string PhysicalRoot = "/ctree-phys";
    private const string Target = "/ctree-root";

    private KernelCommandLine _commandLine = early;

    /// <summary>Returns only when even the reboot failed; the kernel then panics, which is what is left.</summary>
    public int Run(string[] arguments)
    {
        var terminal = Terminal.Standard;
        DeviceLayout? layout = null;
        Selector? selector = null;
        try
        {
            MountKernelFileSystems(terminal);
            Libc.OpenConsole();
            _commandLine = KernelCommandLine.Read();
            Modules.Load(terminal);
            layout = MountPhysicalRoot();
            selector = new Selector(layout, new BootSlots(BootPartition.Mount(layout, _commandLine, terminal)), _commandLine);
            new PersonAtDevice(_commandLine, terminal).Ask(layout, selector);
            Boot(layout, selector, arguments, terminal);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Whatever it is, PID 1 must not end: the kernel would panic without a word of why.
            terminal.Say(e.Message);
        }
        return new Rescue(_commandLine, terminal).Reboot(layout, selector);
    }

    private void Boot(DeviceLayout layout, Selector selector, string[] arguments, Terminal terminal)
    {
        Directory.CreateDirectory(Target);
        if (new NewRoot(layout, Target, terminal).Make(selector, _commandLine, _commandLine.Init) is not null)
            Handover.To(Target, _commandLine.Init, arguments, terminal);
    }

    private static void MountKernelFileSystems(Terminal terminal)
    {
        const MountFlags safe = MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec;
        TryMount("proc", "/proc", safe, null, terminal);
        TryMount("sysfs", "/sys", safe, null, terminal);
        TryMount("devtmpfs", "/dev", MountFlags.NoSuid, "mode=0755", terminal);
        TryMount("tmpfs", "/run", MountFlags.NoSuid | MountFlags.NoDev, "mode=0755", terminal);
    }

    // A kernel may have mounted devtmpfs itself, and a missing /run is no reason to stop.
    private static void TryMount(string type, string target, MountFlags flags, string? data, Terminal terminal)
    {
        try
        {
            Directory.CreateDirectory(target);
            Mounts.System(type, target, flags, data);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            terminal.Say(e.Message);
        }
    }

    private DeviceLayout MountPhysicalRoot()
    {
        var name = _commandLine["ctree.root"] is { Length: > 0 } own ? own : _commandLine["root"];
        if (string.IsNullOrEmpty(name))
            throw new IOException("no ctree.root= and no root= on the kernel command line");
        Directory.CreateDirectory(PhysicalRoot);
        Mounts.Disk(Disks.Wait(name, _commandLine), PhysicalRoot, _commandLine["rootflags"]);
        return new DeviceLayout(PhysicalRoot);
    }
}
