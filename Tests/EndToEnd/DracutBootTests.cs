using System.Text.RegularExpressions;
using ContentTree.BootFile;
using ContentTree.Tests.Boot;

namespace ContentTree.Tests.EndToEnd;

/// <summary>The initramfs that Debian's dracut makes with our module, with systemd in it and without; the trees are a shell that tells what it sees.</summary>
[Trait("Category", "Qemu")]
[Collection("Qemu 2")]
public sealed partial class DracutBootTests : IDisposable
{
    private const string Report = """
        echo "BOOTED $(busybox sed -n 's/^deployment=//p' /run/ctree/booted) $(busybox sed -n 's/^reason=//p' /run/ctree/booted)"

        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static readonly string Work = Path.Combine(BootSamples.Repository, ".work");

    private readonly DebianRoot _debian = DebianRoot.Make();
    private readonly DeviceDisk _disk = new();
    private readonly TemporaryDirectory _images = new();

    public void Dispose()
    {
        _images.Dispose();
        _disk.Dispose();
    }

    [DebianTheory]
    [InlineData("plain")]
    [InlineData("systemd")]
    public void A_trial_that_fails_and_a_previous_tree_without_init_end_at_the_one_that_is_left(string kind)
    {
        Add(1, Report + """
            echo "hostname: $(busybox cat /etc/hostname)"
            busybox touch /sbin/x 2>/dev/null && echo "root: writable" || echo "root: read-only"
            busybox touch /ctree/x 2>/dev/null && echo "ctree: writable" || echo "ctree: read-only"
            busybox touch /etc/x /var/x /tmp/x /run/x && echo "etc var tmp run: writable"
            busybox sync
            busybox poweroff -f

            """);
        Add(2, null);
        Add(3, Report + "exit 1\n");
        _disk.Slots.Write(BootSamples.Record(BootState.Trial, 3, 2, 1));
        _disk.ToImage(_images["disk"]);

        var log = VirtualMachine.RunUntilPowerOff(Options(kind), Patience);

        BootLine().Matches(log).Select(match => match.Groups[1].Value).Should().Equal("3-00000003 wanted", "1-00000001 newest");
        log.Should().Contain("2-00000002 cannot be booted: it has no /sbin/init")
            .And.Contain("hostname: device-1").And.Contain("root: read-only").And.Contain("ctree: read-only").And.Contain("etc var tmp run: writable");
    }

    [DebianTheory]
    [InlineData("plain")]
    [InlineData("systemd")]
    public void With_nothing_left_it_says_so_waits_longer_each_time_and_gives_a_shell_when_asked_whatever_rd_shell_says(string kind)
    {
        Add(1, "exit 1\n");
        _disk.Slots.Write(BootSamples.Record(BootState.Trial, 1, null, 0));
        File.WriteAllText(Path.Combine(_disk.Layout.State, "rescues"), "2\n");
        _disk.ToImage(_images["disk"]);
        using (var waiting = VirtualMachine.Start(Options(kind, "panic=1 ctree.rescue-wait=1")))
        {
            waiting.WaitFor("1-00000001: wanted, and its tries are used up", Patience);
            waiting.WaitFor("rescue: nothing can be booted; rebooting in 4 s", Patience);
            waiting.WaitFor("boot 1-00000001: 1-00000001 is wanted and on trial", Patience);
            waiting.Log.Should().NotContain("a shell of");
        }

        File.Delete(_images["disk"]);
        _disk.ToImage(_images["disk"]);
        using var machine = VirtualMachine.Start(Options(kind, "panic=10 ctree.rescue=shell ctree.rescue-wait=1"));
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

    private VirtualMachineOptions Options(string kind, string more = "") => new()
    {
        Kernel = _debian.Kernel,
        Initramfs = Initramfs(kind),
        Disk = _images["disk"],
        CommandLine = $"root=LABEL=ctree-root ro rd.shell=0 rd.emergency=reboot {more}",
        MemoryMegabytes = 512,
    };

    private void Add(ulong number, string? init)
    {
        var name = _disk.Add(number, init);
        // systemd switches only into what calls itself an operating system.
        var library = Directory.CreateDirectory(Path.Combine(_disk.Layout.Deployment(name), "usr/lib")).FullName;
        File.WriteAllText(Path.Combine(library, "os-release"), "ID=test\n");
    }

    private string Initramfs(string kind)
    {
        var directory = Path.Combine(Work, "dracut");
        Programs.Run(BootSamples.Repository, "bash", "Tests/EndToEnd/make-dracut.sh", directory, _debian.Tree, StaticSelector.Path);
        return Path.Combine(directory, kind + ".img");
    }

    [GeneratedRegex(@"^BOOTED (.*?)\r?$", RegexOptions.Multiline)]
    private static partial Regex BootLine();
}
