using ContentTree.BootFile;
using ContentTree.Tests.Boot;

namespace ContentTree.Tests.EndToEnd;

/// <summary>A real Debian with systemd, started by the initramfs that initramfs-tools made with our hook in it.</summary>
[Trait("Category", "Qemu")]
[Collection("Qemu 2")]
public sealed class DebianBootTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(1);

    // Beside the root file system, because trees are linked.
    private static readonly string Work = Path.Combine(BootSamples.Repository, ".work");

    private readonly DebianRoot _debian = DebianRoot.Make();
    private readonly DeviceDisk _disk = new(Work);
    private readonly TemporaryDirectory _images = new(Work);

    public void Dispose()
    {
        _images.Dispose();
        _disk.Dispose();
    }

    [DebianFact]
    public void A_trial_comes_up_on_a_read_only_root_and_ends_at_its_deadline_unless_confirmed()
    {
        Add(1);
        Add(2);
        _disk.Slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 1));
        _disk.ToImage(_images["disk"], megabytes: 1024);

        using var machine = VirtualMachine.Start(Options());
        machine.WaitFor("READY deployment=2-00000002", Patience);
        using var shell = machine.OpenShell();

        Guest(shell, "cat /run/ctree/booted").Should().Contain("reason=wanted").And.Contain("state=trial").And.Contain("tries=0");
        Guest(shell, "touch /usr/x; touch /ctree/x").Split("Read-only file system").Should().HaveCount(3, "the tree and /ctree are read-only");
        Guest(shell, "touch /etc/x /var/x /tmp/x /run/x && echo writable").Should().Be("writable");
        Guest(shell, "systemctl list-units --failed --plain --no-legend").Should().BeEmpty();
        Guest(shell, "ip -4 -o address").Should().Contain("10.0.2.15");
        Guest(shell, "systemctl show -P RuntimeWatchdogUSec").Should().Be("1min", "systemd feeds the watchdog that the selector started");
        Guest(shell, "systemctl show -P ActiveState ctree-trial-deadline.timer").Should().Be("active");

        shell.Run("touch /run/ctree/confirmed; systemctl start ctree-trial-deadline.service", Step).ExitCode.Should().Be(0);
        Guest(shell, "echo still here").Should().Be("still here", "a confirmed trial is left alone");
        Guest(shell, "rm /run/ctree/confirmed; systemctl start --no-block ctree-trial-deadline.service");
        machine.WaitFor("READY deployment=1-00000001", Patience);
        Guest(shell, "dmesg | grep 'recovery complete'").Should().BeEmpty("the disk was left clean at the reboot");
        Guest(shell, "cat /var/lib/ctree/last-words").Should().StartWith("deployment=2-00000002\n").And.Contain("\nfailed units:\n").And.Contain("\njobs that wait:\n")
            .And.MatchRegex(@"\n\[ *\d+\.\d{6}\] ", "the end of the kernel's log is there");
    }

    [DebianFact]
    public void A_tree_whose_init_ends_panics_and_the_old_one_comes_back()
    {
        Add(1);
        Add(2);
        var init = Path.Combine(_disk.Layout.Deployment(BootSamples.Name(2)), "usr/sbin/init");
        File.Delete(init);
        File.WriteAllText(init, "#!/bin/sh\nexit 1\n");
        Programs.Run("/", "chmod", "755", init);
        _disk.Slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 1));
        _disk.ToImage(_images["disk"], megabytes: 1024);

        using var machine = VirtualMachine.Start(Options("panic=1"));
        machine.WaitFor("READY deployment=1-00000001", Patience);
        using var shell = machine.OpenShell();

        Guest(shell, "cat /run/ctree/booted").Should().Contain("reason=previous").And.Contain("state=fallback").And.Contain("tries=2");
        Guest(shell, "dmesg").Should().Contain("recovery complete", "the panic left a journal, and the mount replayed it");
        Guest(shell, "cat /ctree/state/boot.log").Should().Contain("boot 2-00000002: 2-00000002 is wanted and on trial")
            .And.Contain("boot 1-00000001: wanted 2-00000002 has no tries left");
    }

    [DebianFact]
    public void With_nothing_left_it_says_so_waits_longer_each_time_and_gives_the_initramfs_its_shell_when_asked_whatever_panic_says()
    {
        _disk.Add(1, "exit 1\n");
        _disk.Slots.Write(BootSamples.Record(BootState.Trial, 1, null, 0));
        File.WriteAllText(Path.Combine(_disk.Layout.State, "rescues"), "2\n");
        _disk.ToImage(_images["disk"]);
        using (var waiting = VirtualMachine.Start(Options("panic=1 ctree.rescue-wait=1")))
        {
            waiting.WaitFor("1-00000001: wanted, and its tries are used up", Patience);
            waiting.WaitFor("rescue: nothing can be booted; rebooting in 4 s", Patience);
            waiting.WaitFor("boot 1-00000001: 1-00000001 is wanted and on trial", Patience);
            waiting.Log.Should().NotContain("a shell of");
        }

        File.Delete(_images["disk"]);
        _disk.ToImage(_images["disk"]);
        using var machine = VirtualMachine.Start(Options("panic=10 ctree.rescue=shell ctree.rescue-wait=1"));
        machine.WaitFor("a shell of the initramfs; 'exit' reboots", Patience);
        machine.Type("echo \"by\"hand $(ls /ctree-phys/ctree)");
        machine.WaitFor("byhand", Patience);
        machine.WaitFor("deploy", Patience);
        // What a service says takes the way round the journal.
        machine.Log.Should().Contain("1-00000001: wanted, and its tries are used up");
        machine.Type("sleep 4; exit");
        machine.WaitFor("rescue: the shell was left, rebooting", Patience);
        machine.WaitFor("boot 1-00000001: 1-00000001 is wanted and on trial", Patience);
    }

    private void Add(ulong number) => _disk.AddTree(number, _debian.NewVersion(_images[$"v{number}"]));

    private static string Guest(GuestShell shell, string command) => shell.Run(command, Step).Output;

    private VirtualMachineOptions Options(string commandLine = "") => new()
    {
        Kernel = _debian.Kernel,
        Initramfs = _debian.Initramfs,
        Disk = _images["disk"],
        CommandLine = "root=/dev/vda " + commandLine,
        MemoryMegabytes = 512,
        Network = true,
    };
}
