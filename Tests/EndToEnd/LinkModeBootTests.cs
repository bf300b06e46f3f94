using System.Diagnostics;
using System.Text.Json.Nodes;
using ContentTree.Deploy.State;
using ContentTree.Tests.Boot;

namespace ContentTree.Tests.EndToEnd;

/// <summary>
/// An application on a Debian that somebody else manages: its link follows the branch under real systemd, goes back without a reboot
/// when its service does not run, and goes back by a reboot when nobody confirms.
/// </summary>
[Trait("Category", "Qemu")]
[Collection("Qemu")]
public sealed class LinkModeBootTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(1);
    private static readonly string Work = Path.Combine(BootSamples.Repository, ".work");
    private static readonly string Ctree = BuiltProgram.Find("ctree", "Deploy", "Store", "BootSelector/BootFile");

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
        Eventually(() => Guest(shell, "cat /run/example") == "1" && IsGood(device, first));
        var boot = Guest(shell, "cat /proc/sys/kernel/random/boot_id");
        Guest(shell, "touch /opt/example/current/x").Should().Contain("Read-only file system");

        var second = Publish(2);
        Eventually(() => Guest(shell, "cat /run/example") == "2" && IsGood(device, second));
        Guest(shell, "readlink /opt/example/current").Should().Be($"/ctree/deploy/2-{second[..8]}");

        var third = Publish(3, "exit 1");
        Eventually(() => _server.Show(device)["failed"]?.GetValue<string>() == third && IsGood(device, second));
        Guest(shell, "cat /run/example").Should().Be("2");
        Guest(shell, "systemctl is-active example.service").Should().Be("active");
        Guest(shell, "cat /ctree/state/denied").Should().StartWith($"{third} {Denials.FailedHealth} ");
        Guest(shell, "cat /proc/sys/kernel/random/boot_id").Should().Be(boot, "it went back within the running system");
        _server.Run("device", "blackbox", device).Should().Contain("example.service").And.Contain("reason=failed-health");

        Guest(shell, "printf '[health]\\nconfirm = manual\\n[boot]\\ntries = 1\\n' >>/ctree/agent.conf");
        var fourth = Publish(4);
        Eventually(() => Guest(shell, "cat /run/example") == "4");
        Guest(shell, "systemctl reboot --no-block");
        machine.WaitFor("READY", Patience);
        Eventually(() => Guest(shell, "cat /run/example") == "2" && _server.Show(device)["failed"]?.GetValue<string>() == fourth);
        Guest(shell, "ctree --json status").Should().Contain($"\"booted\": \"2-{second[..8]}\"").And.Contain("\"state\": \"good\"");
        Guest(shell, "ctree verify").Should().NotContain("damage:");
        Guest(shell, "systemctl list-units --failed --plain --no-legend").Should().BeEmpty();
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
        var (library, units) = (Path.Combine(root, "usr/lib/ctree"), Path.Combine(root, "etc/systemd/system"));
        File.Copy(Ctree, Path.Combine(library, "ctree"));
        File.Copy(Path.Combine(Path.GetDirectoryName(Ctree)!, "libMonoPosixHelper.so"), Path.Combine(library, "libMonoPosixHelper.so"));
        File.CreateSymbolicLink(Path.Combine(root, "usr/bin/ctree"), "../lib/ctree/ctree");
        foreach (var unit in new[] { "ctree-agent.service", "ctree-link.service" })
            File.Copy(Path.Combine(BootSamples.Repository, "packaging/systemd", unit), Path.Combine(units, unit));
        File.WriteAllText(Path.Combine(units, "example.service"), """
            [Unit]
            Description=An application

            [Service]
            ExecStart=/opt/example/current/run

            [Install]
            WantedBy=multi-user.target

            """);
        Programs.Run(root, "chroot", root, "systemctl", "--quiet", "enable", "ctree-agent.service", "ctree-link.service", "example.service");
        string[] to = ["--root", root];
        Programs.Run(root, Ctree, [.. to, "init", "--server", _server.Address.ToString(), "--branch", "main", "--trust", _server.TrustRoot, "--token", _server.Run("token", "create", "--enrol").Trim()]);
        Programs.Run(root, Ctree, [.. to, "update"]);
        var config = Path.Combine(root, "ctree/agent.conf");
        File.WriteAllText(config, File.ReadAllText(config).Replace("http://127.0.0.1:", "http://10.0.2.2:", StringComparison.Ordinal) + """

            [poll]
            interval = 5s
            retry-min = 2s
            retry-max = 5s

            [health]
            settle = 1s
            deadline = 5s

            [link]
            path = /opt/example/current
            services = example.service

            """);
        var device = JsonNode.Parse(Programs.Run(root, Ctree, [.. to, "--json", "status"]))!["device"]!.GetValue<string>();
        Programs.Run(_directory.Path, "truncate", "-s", "1200M", _directory["disk"]);
        Programs.Run(_directory.Path, "mkfs.ext4", "-q", "-F", "-d", root, _directory["disk"]);
        return device;
    }

    private bool IsGood(string device, string commit)
    {
        var known = _server.Show(device);
        return known["running"]?.GetValue<string>() == commit && known["boot"]?.GetValue<string>() == "good" && known["wanted"] is null;
    }

    private static string Guest(GuestShell shell, string command) => shell.Run(command, Step).Output;

    private void Eventually(Func<bool> holds, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(holds))] string? what = null)
    {
        var watch = Stopwatch.StartNew();
        while (!holds())
        {
            if (watch.Elapsed > Patience)
                throw new TimeoutException($"not within {Patience}: {what}; the server's log:\n{_server.Log}");
            Task.Delay(TimeSpan.FromSeconds(1)).Wait();
        }
    }

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
