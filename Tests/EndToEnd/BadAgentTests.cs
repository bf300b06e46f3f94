using System.Diagnostics;
using System.Globalization;
using ContentTree.BootFile;
using ContentTree.Tests.Boot;
using Xunit.Abstractions;

namespace ContentTree.Tests.EndToEnd;

/// <summary>
/// Trees whose systemd comes up but whose agent can tell nobody so: with the three of these, the cases of
/// <see cref="BadDeploymentTests"/> are the twelve ways in which a deployment is bad. The old deployment is a shell.
/// </summary>
[Trait("Category", "Qemu")]
[Collection("Qemu 2")]
public sealed class BadAgentTests(ITestOutputHelper output) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    // Beside the root file system, because trees are linked.
    private static readonly string Work = Path.Combine(BootSamples.Repository, ".work");

    private readonly DebianRoot _debian = DebianRoot.Make();
    private readonly DeviceDisk _disk = new(Work);
    private readonly TemporaryDirectory _images = new(Work);
    private readonly TestKernel _kernel = TestKernel.Fetch();

    public void Dispose()
    {
        _images.Dispose();
        _disk.Dispose();
    }

    [DebianTheory]
    [InlineData("has no agent", "the trial was not confirmed in time")]
    [InlineData("has an agent that crashes", "the trial was not confirmed in time")]
    [InlineData("has no network any more", "the server has not been reached from it")]
    public void The_old_deployment_comes_back(string what, string because)
    {
        DeviceProgram.Run(_disk.Root, "init", "--server", "http://10.0.2.2:9", "--allow-http", "--branch", "main", "--trust", TrustRoot());
        File.AppendAllText(Path.Combine(_disk.Root, "ctree/agent.conf"), "\n[health]\nreach = 5s\n[poll]\ninterval = 2s\nretry-min = 1s\nretry-max = 1s\n[update]\nreboot = auto\n");
        _disk.Add(1, BadDeploymentTests.Tell + "busybox cat /ctree/state/trial.json\nbusybox sed -n '1p;/^failed units:/,$p' /ctree/data/var/lib/ctree/last-words\nbusybox sync; busybox poweroff -f\n");
        _disk.AddTree(2, Tree(what));
        _disk.Slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        _disk.Slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 1));
        _disk.ToImage(_images["disk"], megabytes: 256);

        var watch = Stopwatch.StartNew();
        var log = VirtualMachine.RunUntilPowerOff(new VirtualMachineOptions
        {
            Kernel = _kernel.Image,
            Initramfs = SelectorInitramfs.Make(_images["initramfs"], _kernel),
            Disk = _images["disk"],
            // The network is dead: the machine has none.
            CommandLine = $"{BadDeploymentTests.Words} ctree.deadline={(what.Contains("network", StringComparison.Ordinal) ? 120 : 10)}",
            MemoryMegabytes = 512,
        }, Patience);

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"a tree that {what}: back after {watch.Elapsed.TotalSeconds:0.0} s"));
        BadDeploymentTests.BootLine().Matches(log).Select(match => match.Groups[1].Value).Should().Equal(["1-00000001 fallback"], log);
        BadDeploymentTests.KernelStart().Count(log).Should().Be(2);
        log.Should().Contain(because);
        if (because.Contains("in time", StringComparison.Ordinal))
            log.ReplaceLineEndings("\n").Should().Contain("\ndeployment=2-00000002\nfailed units:\n").And.Contain("\nlast words of the agent:\n");
    }

    /// <summary>A systemd with what the case has of an agent, and without what only takes time in an emulated machine.</summary>
    private string Tree(string what)
    {
        var tree = _debian.NewVersion(_images["tree"]);
        foreach (var place in new[] { "boot", "usr/share", "usr/lib/modules", "usr/lib/udev" })
            Directory.Delete(Path.Combine(tree, place), recursive: true);
        Programs.Run(tree, "chroot", tree, "systemctl", "--quiet", "mask", "systemd-udevd.service", "systemd-udev-trigger.service",
            "systemd-networkd.service", "systemd-networkd.socket", "systemd-logind.service", "systemd-tmpfiles-setup.service",
            "systemd-tmpfiles-setup-dev.service", "systemd-sysusers.service", "systemd-firstboot.service", "dbus.service", "dbus.socket",
            "systemd-user-sessions.service", "systemd-random-seed.service", "systemd-update-utmp.service");
        File.Delete(Path.Combine(tree, "etc/systemd/system/multi-user.target.wants/ctree-test-shell.service"));
        if (what == "has no agent")
            return tree;
        if (what == "has an agent that crashes")
        {
            var agent = Path.Combine(tree, "usr/bin/ctree");
            File.WriteAllText(agent, "#!/bin/sh\nkill -SEGV $$\n");
            Programs.Run(tree, "chmod", "755", agent);
            DeviceProgram.InstallUnits(tree, "ctree-agent.service");
            return tree;
        }
        DeviceProgram.InstallInto(tree, "ctree-agent.service");
        return tree;
    }

    private string TrustRoot()
    {
        Programs.Run(Work, BuiltProgram.Find("ctree-server", "Server", "Store"), "--data", _images["server"], "init");
        return Path.Combine(_images["server"], "repo/trust/root.json");
    }
}
