using System.Globalization;
using System.Text.RegularExpressions;
using ContentTree.BootFile;
using ContentTree.Tests.Boot;
using Shell = ContentTree.Tests.Support.Shell;

namespace ContentTree.Tests.EndToEnd;

/// <summary>The selector as PID 1 on a real kernel and a real disk; the trees are a shell that tells what it sees.</summary>
[Trait("Category", "Qemu")]
[Collection("Qemu 1")]
public sealed partial class SelectorBootTests : IDisposable
{
    private const string Report = """
        echo "BOOTED $(busybox sed -n 's/^deployment=//p' /run/ctree/booted) $(busybox sed -n 's/^reason=//p' /run/ctree/booted)" \
             "$(busybox sed -n 's/^state=//p' /run/ctree/booted) $(busybox sed -n 's/^tries=//p' /run/ctree/booted)"

        """;

    private const string PowerOff = "busybox sync; busybox poweroff -f\n";

    private const string Reboot = "busybox sync; busybox reboot -f\n";

    // Several boots, of an emulated processor that shares the real ones.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly DeviceDisk _disk = new();
    private readonly TemporaryDirectory _images = new();
    private readonly TestKernel _kernel = TestKernel.Fetch();

    public void Dispose()
    {
        _images.Dispose();
        _disk.Dispose();
    }

    [QemuFact]
    public void A_confirmed_deployment_comes_up_with_its_own_etc_and_the_data_on_a_read_only_root()
    {
        _disk.Add(1, Report + """
            echo "hostname: $(busybox cat /etc/hostname)"
            busybox touch /sbin/x 2>/dev/null && echo "root: writable" || echo "root: read-only"
            busybox touch /ctree/x 2>/dev/null && echo "ctree: writable" || echo "ctree: read-only"
            busybox touch /etc/x /var/x /tmp/x /run/x && echo "etc var tmp run: writable"
            echo "tmp: $(busybox stat -c %a /tmp)"
            echo "root is $(busybox sed -n 's,^\(/dev/[^ ]*\) / .*,\1,p' /proc/mounts)"
            echo "files: $(ulimit -n)"
            echo "kilobytes in memory file systems: $(busybox awk '/^(Shmem|Unevictable):/ { sum += $2 } END { print sum }' /proc/meminfo)"

            """ + PowerOff);
        _disk.Slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        _disk.ToImage(_images["disk"]);

        var log = RunUntilPowerOff();

        Boots(log).Should().Equal("1-00000001 wanted good 0");
        log.Should().Contain("hostname: device-1").And.Contain("root: read-only").And.Contain("ctree: read-only")
            .And.Contain("etc var tmp run: writable").And.Contain("tmp: 1777").And.Contain("root is /dev/vda").And.Contain("files: 1024");
        int.Parse(InMemory().Match(log).Groups[1].Value, CultureInfo.InvariantCulture).Should().BeLessThan(1000, "the initramfs is gone, and its selector alone had more");
    }

    [QemuFact]
    public void Declared_data_is_writable_in_every_deployment_and_stays_when_another_one_boots()
    {
        foreach (var number in new ulong[] { 1, 2 })
        {
            var name = _disk.Add(number, Report + "busybox touch /opt/x 2>/dev/null || echo 'opt: read-only'\n" +
                $"echo \"found: $(busybox cat /opt/logs/note)\"\necho {number} >/opt/logs/note; busybox sync\n" + (number == 1 ? PowerOff : "exit 1\n"));
            Directory.CreateDirectory(Path.Combine(_disk.Layout.Deployment(name), "opt/logs"));
            File.WriteAllText(_disk.Layout.DataPaths(name), "opt/logs\nsrv\n");
        }
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(_disk.Layout.Data, "opt/logs")).FullName, "note"), "0");
        _disk.Slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 1));
        _disk.ToImage(_images["disk"]);

        var log = RunUntilPowerOff();

        Boots(log).Should().Equal("2-00000002 wanted trial 0", "1-00000001 previous fallback 2");
        log.Should().Contain("found: 0\n").And.Contain("found: 2\n").And.Contain("/srv is not the device's data: ");
        log.Split("opt: read-only").Should().HaveCount(3);
    }

    [QemuFact]
    public void A_trial_whose_init_exits_uses_up_its_tries_and_the_old_deployment_comes_back()
    {
        _disk.Add(1, Report + "busybox cat /ctree/state/boot.log\n" + PowerOff);
        _disk.Add(2, Report + "exit 1\n");
        _disk.Slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        _disk.Slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 3));
        _disk.ToImage(_images["disk"]);

        var log = RunUntilPowerOff();

        Boots(log).Should().Equal("2-00000002 wanted trial 2", "2-00000002 wanted trial 1", "2-00000002 wanted trial 0",
            "1-00000001 previous fallback 2");
        log.Split("Attempted to kill init").Should().HaveCountGreaterThanOrEqualTo(4, "each failed try is a kernel panic");
        log.Should().MatchRegex(@"Z boot 1-00000001: wanted 2-00000002 has no tries left", "the device's own log tells why");
    }

    [QemuFact]
    public void A_deployment_without_init_does_not_even_cost_a_reboot()
    {
        _disk.Add(1, Report + PowerOff);
        _disk.Add(2, null);
        _disk.Slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 3));
        _disk.ToImage(_images["disk"]);

        var log = RunUntilPowerOff();

        Boots(log).Should().Equal("1-00000001 previous fallback 2");
        log.Should().Contain("2-00000002 cannot be booted: it has no /sbin/init");
    }

    [QemuFact]
    public void With_garbage_for_a_boot_file_the_newest_deployment_boots_and_is_counted()
    {
        _disk.Add(1, Report + PowerOff);
        _disk.Add(2, Report + "exit 1\n");
        foreach (var slot in new[] { _disk.Slots.PathA, _disk.Slots.PathB })
            File.WriteAllBytes(slot, [.. Enumerable.Range(0, 700).Select(i => (byte)(i * 31))]);
        _disk.ToImage(_images["disk"]);

        var log = RunUntilPowerOff();

        Boots(log).Should().Equal("2-00000002 newest trial 2", "2-00000002 wanted trial 1", "2-00000002 wanted trial 0",
            "1-00000001 newest fallback 2");
    }

    [QemuFact]
    public void When_both_trees_fail_it_goes_to_rescue_and_waits_longer_each_time()
    {
        _disk.Add(1, Report + "exit 1\n");
        _disk.Add(2, Report + "exit 1\n");
        _disk.Slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        _disk.Slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 1));
        _disk.ToImage(_images["disk"]);

        using var machine = VirtualMachine.Start(Options());
        machine.WaitFor("rebooting in 1 s", Patience);
        machine.WaitFor("rebooting in 2 s", Patience);

        // It goes on booting meanwhile.
        Boots(machine.Log.Split("rebooting in 2 s")[0]).Should().Equal("2-00000002 wanted trial 0",
            "1-00000001 previous fallback 2", "1-00000001 previous fallback 1", "1-00000001 previous fallback 0",
            "1-00000001 previous fallback 2", "1-00000001 previous fallback 1", "1-00000001 previous fallback 0");
    }

    [QemuFact]
    public void Rescue_says_what_is_wrong_and_gives_a_shell_of_a_deployment_when_asked_and_reboots_when_it_is_left()
    {
        _disk.Add(1, Report + "exit 1\n");
        _disk.Add(2, null);
        var half = _disk.Add(3, Report + PowerOff);
        File.Delete(_disk.Layout.Marker(half));
        var denied = _disk.Add(4, Report + PowerOff);
        File.WriteAllText(_disk.Layout.Denied, $"{BootSamples.Commit(4)} failed-health count=1 bad\n");
        _disk.Slots.Write(BootSamples.Record(BootState.Fallback, 2, 1, 1));
        _disk.ToImage(_images["disk"]);

        using var machine = VirtualMachine.Start(Options("ctree.rescue=shell"));
        machine.WaitFor("BOOTED 1-00000001 previous fallback 0", Patience);
        machine.WaitFor("rescue: nothing can be booted", Patience);
        machine.WaitFor($"{denied}: its commit has failed here and is denied", Patience);
        machine.WaitFor($"{half}: not complete: its marker {half}.ok is missing or damaged", Patience);
        machine.WaitFor("2-00000002: wanted, and its tries are used up", Patience);
        machine.WaitFor("1-00000001: the previous one, and its tries are used up", Patience);
        machine.WaitFor("ctree.deployment=NAME boots that one", Patience);
        machine.WaitFor("a shell of 4-00000004, with the disk's own /ctree writable", Patience);
        machine.Type("busybox touch /ctree/state/by-hand && echo \"hand\"made $(busybox ls /ctree/state)");
        machine.WaitFor("handmade", Patience);
        machine.WaitFor("by-hand", Patience);
        machine.Type("busybox sleep 4; exit");
        machine.WaitFor("rescue: the shell was left, rebooting", Patience);
        machine.WaitFor("BOOTED 1-00000001 previous fallback 2", Patience);
    }

    [QemuFact]
    public void A_rescue_shell_that_is_left_at_once_or_is_nowhere_gives_way_to_the_growing_wait()
    {
        var name = _disk.Add(1, Report + "exit 1\n");
        _disk.Slots.Write(BootSamples.Record(BootState.Trial, 1, null, 0));
        File.Delete(Path.Combine(_disk.Layout.Deployment(name), "bin/sh"));
        _disk.ToImage(_images["disk"]);

        using var machine = VirtualMachine.Start(Options("ctree.rescue=shell"));
        machine.WaitFor("there is no shell, neither in this initramfs nor in a complete deployment", Patience);
        machine.WaitFor("rescue: nothing can be booted; rebooting in 1 s", Patience);
        machine.WaitFor("rescue: nothing can be booted; rebooting in 2 s", Patience);
    }

    [QemuFact]
    public void A_person_overrides_on_the_kernel_command_line_without_a_count()
    {
        _disk.Add(1, Report + PowerOff);
        _disk.Add(2, Report + PowerOff);
        _disk.Add(3, Report + PowerOff);
        _disk.Slots.Write(BootSamples.Record(BootState.Trial, 3, 2, 3));
        _disk.ToImage(_images["disk"]);

        Boots(RunUntilPowerOff("ctree.deployment=1-00000001")).Should().Equal("1-00000001 override trial 3");
        Boots(RunUntilPowerOff("ctree.previous")).Should().Equal("2-00000002 override trial 3");
        Boots(RunUntilPowerOff()).Should().Equal("3-00000003 wanted trial 2");
    }

    [QemuFact]
    public void A_person_at_the_device_holds_a_key_for_the_previous_one_or_chooses_from_a_list()
    {
        _disk.Add(1, Report + PowerOff);
        _disk.Add(2, Report + Reboot);
        _disk.Add(3, Report + PowerOff);
        _disk.Slots.Write(BootSamples.Record(BootState.Good, 3, 2, 0));
        _disk.ToImage(_images["disk"]);

        using var machine = VirtualMachine.Start(Options("ctree.key=25 ctree.key-wait=8 ctree.menu=60", "evdev.ko"));
        machine.WaitFor("key 25 held within 8 s boots the previous deployment", Patience);
        machine.HoldKey("p", TimeSpan.FromSeconds(2));
        machine.WaitFor("BOOTED 2-00000002 override good 0", Patience);
        machine.WaitFor("1) 3-00000003 (wanted)", Patience);
        machine.WaitFor("60 s of nothing boots as usual", Patience);
        machine.Type("3");

        Boots(machine.WaitForPowerOff(Patience)).Should().Equal("2-00000002 override good 0", "1-00000001 override good 0");
    }

    [QemuFact]
    public void A_disk_that_takes_no_writes_boots_the_previous_deployment()
    {
        _disk.Add(1, Report + PowerOff);
        _disk.Add(2, Report + "exit 1\n");
        _disk.Slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 3));
        _disk.ToImage(_images["disk"]);

        var log = RunUntilPowerOff("rootflags=ro");

        Boots(log).Should().Equal("1-00000001 previous trial 3");
        log.Should().Contain("the count could not be saved");
    }

    [QemuFact]
    public void A_tree_that_hangs_is_ended_by_the_watchdog()
    {
        _disk.Add(1, Report + PowerOff);
        _disk.Add(2, Report + "while :; do busybox sleep 1; done\n");
        _disk.Slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 1));
        _disk.ToImage(_images["disk"]);

        var log = RunUntilPowerOff("ctree.watchdog=3", "watchdog.ko", "softdog.ko");

        Boots(log).Should().Equal("2-00000002 wanted trial 0", "1-00000001 previous fallback 2");
    }

    [QemuFact]
    public void A_reboot_asked_for_by_the_tree_counts_in_a_trial_and_writes_nothing_once_confirmed()
    {
        _disk.Add(1, Report + "busybox sha256sum /ctree/boot/boot.a /ctree/boot/boot.b\n" +
            "[ -e /var/again ] && busybox poweroff -f\nbusybox touch /var/again\n" + Reboot);
        _disk.Slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        _disk.ToImage(_images["disk"]);

        var log = RunUntilPowerOff();

        Boots(log).Should().HaveCount(2);
        BootFileHash().Matches(log).Select(match => match.Value).Distinct().Should().HaveCount(2, "each slot is the same at both boots");
    }

    [QemuFact]
    public void A_confirmed_tree_that_ends_early_each_time_is_slowed_down_and_stays_the_one_that_boots()
    {
        var name = _disk.Add(1, Report + "exit 1\n");
        _disk.Slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        File.WriteAllBytes(_disk.Layout.EarlyBoots, new EarlyBoots(name, 3).Encode());
        _disk.ToImage(_images["disk"]);

        using var machine = VirtualMachine.Start(Options("ctree.backoff=1"));
        machine.WaitFor("1-00000001 was started 5 times without lasting 2 min: it boots in 1 s", Patience);
        machine.WaitFor("1-00000001 was started 6 times without lasting 2 min: it boots in 2 s", Patience);
        machine.WaitFor("BOOTED", Patience);

        Boots(machine.Log).Should().HaveCountGreaterThanOrEqualTo(4).And.OnlyContain(boot => boot == "1-00000001 wanted good 0");
    }

    [VfatFact]
    public void The_boot_file_on_a_full_fat_boot_partition_counts_there_and_not_below_the_root()
    {
        _disk.Add(1, Report + PowerOff);
        _disk.Add(2, Report + "exit 1\n");
        _disk.Slots.Write(BootSamples.Record(BootState.Good, 2, null, 0));
        var partition = new BootSlots(Directory.CreateDirectory(_images["partition"]).FullName);
        partition.Create();
        partition.Write(BootSamples.Record(BootState.Trial, 2, 1, 2));
        _disk.ToImage(_images["disk"]);
        Programs.Run(_images.Path, "mkfs.vfat", "-C", "-i", "DEADBEEF", "fat", "16384");
        Programs.Run(_images.Path, "mcopy", "-i", "fat", partition.PathA, partition.PathB, "::");
        Shell.Try("for kilobytes in 4096 512 64 8 2; do head -c ${kilobytes}k /dev/zero > filler; n=0; while mcopy -i fat filler ::$kilobytes.$((n += 1)); do :; done; done", _images.Path);
        Shell.Run("mdir -i fat ::", _images.Path).Should().Contain(" 0 bytes free");

        var log = VirtualMachine.RunUntilPowerOff(
            Options("ctree.boot=UUID=DEAD-BEEF", "fat.ko", "vfat.ko", "nls_cp437.ko", "nls_ascii.ko") with { SecondDisk = _images["fat"] });

        Boots(log).Should().Equal("2-00000002 wanted trial 1", "2-00000002 wanted trial 0", "1-00000001 previous fallback 2");
        Programs.Run(_images.Path, "mcopy", "-n", "-o", "-i", "fat", "::boot.a", "::boot.b", _images["partition"]);
        partition.Read()!.State.Should().Be(BootState.Fallback);
    }

    [VfatFact]
    public void A_loader_that_starts_another_kernel_all_the_same_is_pointed_back_twice_and_then_left_alone()
    {
        var (own, running) = (new string('a', 32), new string('b', 32));
        var name = _disk.Add(1, Report + PowerOff);
        File.WriteAllText(_disk.Layout.Marker(name), new DeploymentMarker(BootSamples.Commit(1), own).Format());
        var block = new byte[512];
        block.AsSpan().Fill((byte)'#');
        Directory.CreateDirectory(_disk.Layout.LoaderPointers);
        File.WriteAllBytes(Path.Combine(_disk.Layout.LoaderPointers, own), new LoaderPointer("loader/loader.conf", block).Encode());
        var partition = new BootSlots(Directory.CreateDirectory(_images["partition"]).FullName);
        partition.Create();
        partition.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        File.WriteAllText(_images["loader.conf"], new string('-', 600));
        _disk.ToImage(_images["disk"]);
        Programs.Run(_images.Path, "mkfs.vfat", "-C", "-i", "DEADBEEF", "fat", "16384");
        Programs.Run(_images.Path, "mmd", "-i", "fat", "::loader");
        Programs.Run(_images.Path, "mcopy", "-i", "fat", partition.PathA, partition.PathB, "::");
        Programs.Run(_images.Path, "mcopy", "-i", "fat", "loader.conf", "::loader/loader.conf");

        var log = VirtualMachine.RunUntilPowerOff(
            Options($"ctree.assets={running} ctree.boot=UUID=DEAD-BEEF", "fat.ko", "vfat.ko", "nls_cp437.ko", "nls_ascii.ko") with { SecondDisk = _images["fat"] });

        log.Split("the loader now points at it, rebooting").Should().HaveCount(3);
        log.Should().Contain("the loader was pointed at it 2 times and started another one");
        Boots(log).Should().Equal("1-00000001 wanted good 0");
        Programs.Run(_images.Path, "mcopy", "-n", "-o", "-i", "fat", "::loader/loader.conf", "written");
        File.ReadAllText(_images["written"]).Should().Be(new string('#', 512) + new string('-', 88), "it is overwritten in place");
    }

    [QemuFact]
    public void Without_the_boot_partition_it_asks_for_something_complete_still_boots()
    {
        _disk.Add(1, Report + PowerOff);
        _disk.Slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        _disk.ToImage(_images["disk"]);

        var log = RunUntilPowerOff("ctree.boot=LABEL=gone ctree.rootwait=1");

        Boots(log).Should().Equal("1-00000001 newest none 0");
        log.Should().Contain("no boot partition: no disk LABEL=gone after 1 s").And.Contain("boots uncounted");
    }

    [QemuFact]
    public void Without_its_root_disk_it_goes_to_rescue_and_says_what_there_is()
    {
        _disk.ToImage(_images["disk"]);
        using var machine = VirtualMachine.Start(Options("ctree.root=UUID=00000000-0000-0000-0000-000000000000 ctree.rootwait=1"));
        machine.WaitFor("no disk UUID=00000000-0000-0000-0000-000000000000 after 1 s; there is vda", Patience);
        machine.WaitFor("rescue: nothing can be booted; rebooting in 64 s", Patience);
    }

    private string RunUntilPowerOff(string commandLine = "", params string[] extraModules) =>
        VirtualMachine.RunUntilPowerOff(Options(commandLine, extraModules));

    private VirtualMachineOptions Options(string commandLine = "", params string[] extraModules) => new()
    {
        Kernel = _kernel.Image,
        Initramfs = SelectorInitramfs.Make(_images["initramfs"], _kernel, extraModules),
        Disk = _images["disk"],
        CommandLine = "ctree.root=LABEL=ctree-root ctree.rescue-wait=1 " + commandLine,
    };

    private static string[] Boots(string log) => [.. BootLine().Matches(log).Select(match => match.Groups[1].Value)];

    [GeneratedRegex(@"^BOOTED (.*)\n", RegexOptions.Multiline)]
    private static partial Regex BootLine();

    [GeneratedRegex(@"^kilobytes in memory file systems: (\d+)\r?$", RegexOptions.Multiline)]
    private static partial Regex InMemory();

    [GeneratedRegex(@"^[0-9a-f]{64}  /ctree/boot/boot\..", RegexOptions.Multiline)]
    private static partial Regex BootFileHash();
}
