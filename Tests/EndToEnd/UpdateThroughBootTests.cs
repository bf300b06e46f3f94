using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using ContentTree.Deploy.State;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Boot;
using Xunit.Abstractions;

namespace ContentTree.Tests.EndToEnd;

/// <summary>
/// The whole path with the programs as they are shipped: a published Debian is installed, boots, takes an update over the network by
/// itself, comes back from one that cannot boot, and by its recovery deployment from two.
/// </summary>
[Trait("Category", "Qemu")]
[Collection("Qemu 2")]
public sealed class UpdateThroughBootTests : IDisposable
{
    private const string Inventory = "find usr -xdev -printf '%P %y %m %U:%G %s %l\\n' | LC_ALL=C sort | sha256sum";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(1);

    // Beside the root file system, because trees are linked.
    private static readonly string Work = Path.Combine(BootSamples.Repository, ".work");

    private readonly ITestOutputHelper _output;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly DebianRoot _debian = DebianRoot.Make();
    private readonly TemporaryDirectory _directory = new(Work);
    private readonly UpdateServer _server = new(Work);

    public UpdateThroughBootTests(ITestOutputHelper output) => _output = output;

    public void Dispose()
    {
        _server.Dispose();
        _directory.Dispose();
    }

    [DebianFact]
    public void A_device_takes_an_update_by_itself_and_comes_back_from_one_that_cannot_boot_and_from_two()
    {
        var first = _server.Publish(Version(1), "1");
        var device = Provision();
        Done("published and installed");

        using var machine = VirtualMachine.Start(Options());
        machine.WaitFor($"READY deployment=1-{first[..8]}", Patience);
        Done("booted version 1");
        _server.Eventually(() => _server.IsGood(device, first));
        Done("version 1 is confirmed");
        using var shell = machine.OpenShell();
        Measure(shell);

        var second = _server.Publish(Version(2), "2");
        machine.WaitFor($"READY deployment=2-{second[..8]}", Patience);
        Done("updated itself and booted version 2");
        _server.Eventually(() => _server.IsGood(device, second));
        Done("version 2 is confirmed");
        var status = Status(shell);
        Runs(status, $"2-{second[..8]}", previous: $"1-{first[..8]}");
        status["fetched"]!["objects"]!.GetValue<int>().Should().BeInRange(2, 20, "the two changed files, the trees above them and the commit");
        status["fetched"]!["bytes"]!.GetValue<long>().Should().BeInRange(200_000, 400_000, "a new file has 200 kB that do not compress");

        var third = _server.Publish(Broken(Version(3)), "3");
        machine.WaitFor($"READY deployment=2-{second[..8]}", Patience);
        Done("fell back to version 2");
        Count(machine.Log, "Attempted to kill init").Should().Be(3, "each try of version 3 panics");
        _server.Eventually(() => _server.IsGood(device, second) && _server.Show(device)["failed"]?.GetValue<string>() == third);
        var known = _server.Show(device);
        known["lastEvent"]!["kind"]!.GetValue<string>().Should().Be(EventKind.FellBack);
        known["lastEvent"]!["commit"]!.GetValue<string>().Should().Be(third);

        _server.Eventually(() => Status(shell)["lastResult"]!["message"]!.GetValue<string>().Contains($"commit {third} is denied here", StringComparison.Ordinal));
        var polled = LastPoll(shell);
        _server.Eventually(() => LastPoll(shell) > polled);
        Done("leaves version 3 alone");
        status = Status(shell);
        Runs(status, $"2-{second[..8]}", previous: $"1-{first[..8]}");
        status["denied"]!.AsArray().Select(commit => commit!.GetValue<string>()).Should().Equal(third);
        Guest(shell, "cat /ctree/state/denied").Should().StartWith($"{third} {Denials.NeverRan} count=1 until=", "without a pstore, panics may as well have been power cuts");
        _server.Run("device", "blackbox", device).Should().Contain($"failed=3-{third[..8]}\ncommit={third}\nreason={Denials.NeverRan}\n")
            .And.Contain($"boot 3-{third[..8]}: 3-{third[..8]} is wanted and on trial").And.Contain($"boot 2-{second[..8]}: wanted 3-{third[..8]} has no tries left");
        _server.Run("device", "blackbox", device, "--list").Should().Contain(third);
        Guest(shell, "cat /etc/version").Should().Be("2");
        Guest(shell, $"cd / && {Inventory}").Should().Be(Programs.Run(_directory["v2"], "sh", "-c", Inventory).Trim());
        Guest(shell, "touch /usr/x; touch /ctree/x").Split("Read-only file system").Should().HaveCount(3, "the agent made /ctree writable for itself alone");
        Guest(shell, "systemctl list-units --failed --plain --no-legend").Should().BeEmpty();

        Guest(shell, "ctree keep 1 --recovery --wait").Should().Contain(first[..8]);
        var fourth = _server.Publish(Version(4), "4");
        machine.WaitFor($"READY deployment=4-{fourth[..8]}", Patience);
        _server.Eventually(() => _server.IsGood(device, fourth));
        Done("version 4 is confirmed");
        Guest(shell, $"mount /dev/vda /mnt && rm /mnt/ctree/deploy/4-{fourth[..8]}/usr/sbin/init /mnt/ctree/deploy/2-{second[..8]}/usr/sbin/init; umount /mnt; systemctl reboot");
        machine.WaitFor($"READY deployment=1-{first[..8]}", Patience);
        Done("booted the recovery deployment");
        _server.Eventually(() => _server.Show(device)["failed"]?.GetValue<string>() == fourth);
        Guest(shell, "cat /run/ctree/booted").Should().Contain("reason=recovery");
        var fifth = _server.Publish(Version(5), "5");
        machine.WaitFor($"READY deployment=5-{fifth[..8]}", Patience);
        _server.Eventually(() => _server.IsGood(device, fifth));
        Done("version 5 is confirmed");
    }

    /// <summary>A Debian with the device's program and its service, and a few files that tell versions apart.</summary>
    private string Version(int number)
    {
        var tree = _debian.NewVersion(_directory[$"v{number}"]);
        DeviceProgram.InstallInto(tree, "ctree-agent.service");
        File.WriteAllText(Path.Combine(tree, "etc/version"), $"{number}\n");
        var content = new byte[200_000];
        new Random(number).NextBytes(content);
        File.WriteAllBytes(Path.Combine(tree, "usr/share/payload"), content);
        return tree;
    }

    private static string Broken(string tree)
    {
        var init = Path.Combine(tree, "usr/sbin/init");
        File.Delete(init);
        File.WriteAllText(init, "#!/bin/sh\nexit 0\n");
        Programs.Run(tree, "chmod", "755", init);
        return tree;
    }

    /// <summary>Installs the branch on a disk, as an image would be made; the device's id.</summary>
    private string Provision()
    {
        var root = Directory.CreateDirectory(_directory["root"]).FullName;
        var device = DeviceProgram.Provision(root, _server, "[update]\nreboot = auto\n\n[health]\nsettle = 2s\n");
        DeviceProgram.MakeDisk(_directory["disk"], root);
        return device;
    }

    private static void Runs(JsonNode status, string deployment, string previous)
    {
        status["booted"]!.GetValue<string>().Should().Be(deployment);
        status["wanted"]!.GetValue<string>().Should().Be(deployment);
        status["previous"]!.GetValue<string>().Should().Be(previous);
        status["state"]!.GetValue<string>().Should().Be("good");
        status["rebootNeeded"]!.GetValue<bool>().Should().BeFalse();
    }

    private void Measure(GuestShell shell)
    {
        var status = Guest(shell, "grep -E 'Vm(RSS|HWM)|Rss(Anon|File)|Threads' /proc/$(systemctl show -P MainPID ctree-agent.service)/status");
        _output.WriteLine($"agent in the guest:\n{status}");
    }

    private static DateTimeOffset LastPoll(GuestShell shell) => Status(shell)["lastResult"]!["time"]!.GetValue<DateTimeOffset>();

    private static JsonNode Status(GuestShell shell) => JsonNode.Parse(Guest(shell, "ctree --json status"))!;

    private static string Guest(GuestShell shell, string command) => shell.Run(command, Step).Output;

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    private void Done(string what) => _output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{_watch.Elapsed.TotalSeconds,6:0.0} s  {what}"));

    private VirtualMachineOptions Options() => new()
    {
        // The selector as PID 1 is there in a third of the time; DebianBootTests starts the same tree by initramfs-tools.
        Kernel = _debian.Kernel,
        Initramfs = SelectorInitramfs.Make(_directory["initramfs"], TestKernel.Of(_debian)),
        Disk = _directory["disk"],
        CommandLine = "root=/dev/vda panic=1",
        MemoryMegabytes = 512,
        Network = true,
    };
}
