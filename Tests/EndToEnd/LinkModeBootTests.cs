using ContentTree.Deploy.State;
using ContentTree.Tests.Boot;

namespace ContentTree.Tests.EndToEnd;

/// <summary>
/// An application on a Debian that somebody else manages: its link follows the branch under real systemd, goes back without a reboot
/// when its service does not run, and goes back by a reboot when nobody confirms.
/// </summary>
[Trait("Category", "Qemu")]
[Collection("Qemu 2")]
public sealed class LinkModeBootTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(1);
    private static readonly string Work = Path.Combine(BootSamples.Repository, ".work");

    private readonly DebianRoot _debian = DebianRoot.Make();
    private readonly TemporaryDirectory _directory = new(Work);
    private readonly UpdateServer _server = new(Work);

    public void Dispose()
    {
        _server.Dispose();
        _directory.Dispose();
    }

    [DebianFact]
    public void An_application_follows_its_branch_and_comes_back_with_and_without_a_reboot()
    {
        var first = Publish(1);
        var device = Provision();
        using var machine = VirtualMachine.Start(Options());
        machine.WaitFor("READY", Patience);
        using var shell = machine.OpenShell();
        _server.Eventually(() => Guest(shell, "cat /run/example") == "1" && _server.IsGood(device, first));
        var boot = Guest(shell, "cat /proc/sys/kernel/random/boot_id");
        Guest(shell, "touch /opt/example/current/x").Should().Contain("Read-only file system");

        var second = Publish(2);
        _server.Eventually(() => Guest(shell, "cat /run/example") == "2" && _server.IsGood(device, second));
        Guest(shell, "readlink /opt/example/current").Should().Be($"/ctree/deploy/2-{second[..8]}");

        var third = Publish(3, "exit 1");
        _server.Eventually(() => _server.Show(device)["failed"]?.GetValue<string>() == third && _server.IsGood(device, second));
        Guest(shell, "cat /run/example").Should().Be("2");
        Guest(shell, "systemctl is-active example.service").Should().Be("active");
        Guest(shell, "cat /ctree/state/denied").Should().StartWith($"{third} {Denials.FailedHealth} ");
        Guest(shell, "cat /proc/sys/kernel/random/boot_id").Should().Be(boot, "it went back within the running system");
        _server.Run("device", "blackbox", device).Should().Contain("example.service").And.Contain("reason=failed-health");

        // A unit that it breaks beside its own: told, and with another configuration the end of it.
        const string BreakAnother = "systemd-run --quiet --unit=other-$(date +%s%N) /bin/false; exec sleep infinity";
        var warned = Publish(4, BreakAnother);
        _server.Eventually(() => Guest(shell, "cat /run/example") == "4" && _server.IsGood(device, warned));
        _server.Run("device", "show", device).Should().Contain("failed units: other-");
        Guest(shell, "systemctl reset-failed; printf '[health]\\nfailed-units = required\\n' >>/ctree/agent.conf");
        var broken = Publish(5, BreakAnother);
        _server.Eventually(() => _server.Show(device)["failed"]?.GetValue<string>() == broken && _server.IsGood(device, warned));
        _server.Run("device", "blackbox", device).Should().Contain("failed units: other-");
        Guest(shell, "systemctl reset-failed");

        Guest(shell, "printf '[health]\\nconfirm = manual\\n[boot]\\ntries = 1\\n' >>/ctree/agent.conf");
        var last = Publish(6);
        _server.Eventually(() => Guest(shell, "cat /run/example") == "6");
        // Nobody is there any more who could end the trial.
        Guest(shell, "systemctl stop ctree-agent.service");
        Guest(shell, "systemctl show -P ActiveState ctree-link-deadline.timer").Should().Be("active");
        Guest(shell, "systemctl start --no-block ctree-link-deadline.service");
        machine.WaitFor("READY", Patience);
        _server.Eventually(() => Guest(shell, "cat /run/example") == "4" && _server.Show(device)["failed"]?.GetValue<string>() == last);
        Guest(shell, "ctree --json status").Should().MatchRegex($"\"booted\": \"[0-9]+-{warned[..8]}\"").And.Contain("\"state\": \"good\"");
        Guest(shell, "cat /ctree/state/denied").Should().Contain($"{last} {Denials.FailedBoot} ", "its deadline ended it");
        _server.Eventually(() => _server.Run("device", "blackbox", device).Contains("== what its deadline found ==", StringComparison.Ordinal));
        Guest(shell, "ctree verify").Should().NotContain("damage:");
        Guest(shell, "systemctl list-units --failed --plain --no-legend | grep -v ^other-").Should().BeEmpty();
    }

    private string Publish(int version, string last = "exec sleep infinity")
    {
        var tree = Directory.CreateDirectory(_directory[$"app{version}"]).FullName;
        var run = Path.Combine(tree, "run");
        File.WriteAllText(run, $"#!/bin/sh\necho {version} >/run/example\n{last}\n");
        Programs.Run(tree, "chmod", "755", run);
        return _server.Publish(tree, $"{version}");
    }

    /// <summary>A Debian as its owner installed it, with our programs and units beside their application.</summary>
    private string Provision()
    {
        var root = _debian.NewVersion(_directory["root"]);
        DeviceProgram.InstallInto(root, "ctree-agent.service", "ctree-link.service", "ctree-link-deadline.timer", "ctree-link-deadline.service");
        var units = Path.Combine(root, "etc/systemd/system");
        File.WriteAllText(Path.Combine(units, "example.service"), """
            [Unit]
            Description=An application

            [Service]
            ExecStart=/opt/example/current/run

            [Install]
            WantedBy=multi-user.target

            """);
        Programs.Run(root, "chroot", root, "systemctl", "--quiet", "enable", "example.service");
        var device = DeviceProgram.Provision(root, _server, """
            [health]
            settle = 1s
            deadline = 5s

            [link]
            path = /opt/example/current
            services = example.service

            """);
        DeviceProgram.MakeDisk(_directory["disk"], root);
        return device;
    }

    private static string Guest(GuestShell shell, string command) => shell.Run(command, Step).Output;

    private VirtualMachineOptions Options() => new()
    {
        Kernel = _debian.Kernel,
        Initramfs = _debian.Initramfs,
        Disk = _directory["disk"],
        CommandLine = "root=/dev/vda rw panic=1 ctree=0",
        MemoryMegabytes = 512,
        Network = true,
    };
}
