using System.Diagnostics;
using ContentTree.BootFile;
using ContentTree.Tests.EndToEnd;
using static ContentTree.Tests.Boot.BootSamples;

namespace ContentTree.Tests.Boot;

/// <summary>--switch-root as an initramfs calls it, in a mount namespace of its own that ends with the test.</summary>
public sealed class NewRootTests : IDisposable
{
    private readonly DeviceDisk _disk = new();

    public void Dispose() => _disk.Dispose();

    [MountFact]
    public void The_deployment_is_mounted_read_only_with_etc_var_ctree_and_tmp_in_place()
    {
        _disk.Add(1, "");
        _disk.Slots.Write(Record(BootState.Good, 1, null, 0));
        File.WriteAllText(Path.Combine(_disk.Layout.Var, "data"), "kept");

        var said = Switch("""
            cat "$T/etc/hostname" "$T/var/data" /run/ctree/booted
            touch "$T/x" 2>&1; touch "$T/ctree/x" 2>&1
            touch "$T/etc/x" "$T/var/x" "$T/tmp/x" && echo writable
            stat -c 'tmp %a' "$T/tmp"
            """);

        said.Should().Contain("device-1").And.Contain("kept").And.Contain("deployment=1-00000001").And.Contain("reason=wanted")
            .And.Contain("writable").And.Contain("tmp 1777");
        said.Split("Read-only file system").Should().HaveCount(3, "the tree and /ctree refuse to be written");
        File.Exists(Path.Combine(_disk.Layout.Etc(Name(1)), "x")).Should().BeTrue("/etc is the deployment's own");
    }

    [MountFact]
    public void Without_var_a_tmpfs_stands_in_and_it_is_said()
    {
        _disk.Add(1, "");
        Directory.Delete(_disk.Layout.Var);
        var said = Switch("stat -f -c 'var %T' \"$T/var\"");
        said.Should().Contain("var tmpfs").And.Contain("/var is a tmpfs");
    }

    [MountFact]
    public void Declared_paths_are_the_devices_own_and_one_that_cannot_be_stops_nothing()
    {
        var name = _disk.Add(1, "");
        var tree = _disk.Layout.Deployment(name);
        foreach (var place in new[] { "opt/logs", "gone", "srv" })
            Directory.CreateDirectory(Path.Combine(tree, place));
        Directory.CreateSymbolicLink(Path.Combine(tree, "link"), "srv");
        foreach (var place in new[] { "opt/logs", "nowhere", "link" })
            Directory.CreateDirectory(Path.Combine(_disk.Layout.Data, place));
        File.WriteAllText(Path.Combine(_disk.Layout.Data, "opt/logs/note"), "kept");
        Directory.CreateSymbolicLink(Path.Combine(_disk.Layout.Data, "srv"), "/etc");
        File.WriteAllText(_disk.Layout.DataPaths(name), "opt/logs\ngone\nnowhere\nlink\nsrv\n");
        _disk.Slots.Write(Record(BootState.Good, 1, null, 0));

        var said = Switch("""
            cat "$T/opt/logs/note"; touch "$T/opt/logs/x" && echo written; touch "$T/opt/x" "$T/gone/x" "$T/srv/x" 2>/dev/null || echo read-only
            """);

        said.Should().Contain("kept").And.Contain("written").And.Contain("read-only");
        foreach (var passedOver in new[] { "gone", "nowhere", "link", "srv" })
            said.Should().Contain($"/{passedOver} is not the device's data: ");
        File.Exists(Path.Combine(_disk.Layout.Data, "opt/logs/x")).Should().BeTrue();
        foreach (var damaged in new[] { "../etc\n", "etc", "opt/logs\nopt\n", "" })
        {
            File.WriteAllText(_disk.Layout.DataPaths(name), damaged);
            Switch("touch \"$T/opt/logs/y\" || echo 'as the tree has it'").Should().Contain("as the tree has it");
        }
    }

    [MountFact]
    public void In_a_trial_the_deadline_waits_in_run_for_systemd()
    {
        var name = _disk.Add(2, "");
        Directory.CreateDirectory(Path.Combine(_disk.Layout.Deployment(name), "lib/systemd"));
        File.WriteAllText(Path.Combine(_disk.Layout.Deployment(name), "lib/systemd/systemd"), "");
        _disk.Slots.Write(Record(BootState.Trial, 2, null, 3));
        var said = Switch("cd /run/systemd/system; cat ctree-trial-deadline.*; ls -L sysinit.target.wants timers.target.wants");
        said.Should().Contain("OnActiveSec=900").And.Contain("ConditionPathExists=!/run/ctree/confirmed")
            .And.Contain("SuccessAction=reboot-force");
        said.Split("ctree-trial-deadline.timer\n").Should().HaveCount(3, "both targets want a timer that is there");
    }

    [MountFact]
    public void Nothing_to_mount_is_exit_code_20_and_no_directory_is_exit_code_1()
    {
        Switch("echo not reached", expected: 20);
        Switch("echo not reached", expected: 1, target: "/proc/nowhere");
    }

    [MountFact]
    public void A_deployment_without_init_is_passed_over_when_one_is_needed()
    {
        _disk.Add(1, "");
        _disk.Add(2, null);
        _disk.Slots.Write(Record(BootState.Trial, 2, 1, 3));
        Switch("grep deployment= /run/ctree/booted").Should().Contain("deployment=2-00000002");
        Switch("grep deployment= /run/ctree/booted", words: "--need-init").Should()
            .Contain("2-00000002 cannot be booted: it has no /sbin/init").And.Contain("deployment=1-00000001");
    }

    private string Switch(string then, int expected = 0, string target = "", string words = "")
    {
        var script = $"""
            mount -t tmpfs none /run || exit 99
            T={(target.Length > 0 ? target : _disk.Root + ".new")}; [ -n "{target}" ] || mkdir -p "$T"
            "$1" --root "{_disk.Root}" {words} --switch-root "$T" 2>&1; rc=$?
            [ $rc = 0 ] || exit $rc
            {then}
            exit 0
            """;
        var start = new ProcessStartInfo("unshare", ["-m", "sh", "-c", script, "sh", SelectorHere]) { RedirectStandardOutput = true };
        start.Environment["DOTNET_TieredPGO"] = "0";
        using var process = Process.Start(start)!;
        var said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        process.ExitCode.Should().Be(expected, said);
        return said;
    }

    // The build of this very test run, so that what is tested is what was compiled.
    private static string SelectorHere => Path.Combine(AppContext.BaseDirectory, "ctree-select");
}
