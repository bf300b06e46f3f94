using ContentTree.BootFile;

namespace ContentTree.BootSelector;

// ctree-select runs once per boot, before the tree it picks. The story, each step in a file of its own:
//
//   Initramfs       as PID 1: kernel file systems, modules, the disk with the physical root (Disks, Superblock, Modules)
//   PersonAtDevice  a key held, or a list on the console, where the command line asks for them
//   Selector        reads the boot file and what is complete, decides (BootFile/BootChoice), makes the count durable
//   KernelMatch     a tree boots with its own kernel: points the loader at it and reboots when another one runs
//   NewRoot         binds the chosen deployment, its /etc, the data and /ctree at one place
//   TrialGuard      in a trial: sees to it that a tree whose agent never runs still ends
//   Handover        deletes the initramfs, makes the place the root, starts init
//   Rescue          nothing left to boot: tells what is wrong (RescueNote), waits longer each time or gives a shell (RescueShell), reboots
//
// It is a static program without run-time dependencies, because it has to run where nothing else is.
internal static class Program
{
    public static int Main(string[] args)
    {
        Libc.SeedWithoutWaiting();
        var commandLine = KernelCommandLine.Read();
        return Libc.getpid() == 1
            ? new Initramfs(commandLine).Run(args)
            : Commands.Run(args, commandLine, Terminal.Standard);
    }
}
