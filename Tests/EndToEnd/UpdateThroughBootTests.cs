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
/// itself, and comes back from one that cannot boot.
/// </summary>
[Trait("Category", "Qemu")]
[Collection("Qemu")]
public sealed class UpdateThroughBootTests : IDisposable
{
    private const string Inventory = "find usr -xdev -printf '%P %y %m %U:%G %s %l\\n' | LC_ALL=C sort | sha256sum";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(1);

    // Beside the root file system, because trees are linked.
    private static readonly string Work = Path.Combine(BootSamples.Repository, ".work");
    private static readonly string Ctree = BuiltProgram.Find("ctree", "Deploy", "Store", "BootSelector/BootFile");

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
    public void A_device_takes_an_update_by_itself_and_comes_back_from_one_that_cannot_boot()
    {
        var first = _server.Publish(Version(1), "1");
        var device = Provision();
        Done("published and installed");

        using var machine = VirtualMachine.Start(Options());
        machine.WaitFor($"READY deployment=1-{first[..8]}", Patience);
        Done("booted version 1");
        Eventually(() => IsGood(device, first));
        Done("version 1 is confirmed");
        using var shell = machine.OpenShell();
        Measure(shell);

        var second = _server.Publish(Version(2), "2");
        machine.WaitFor($"READY deployment=2-{second[..8]}", Patience);
        Done("updated itself and booted version 2");
        Eventually(() => IsGood(device, second));
        Done("version 2 is confirmed");
        var status = Status(shell);
        Runs(status, $"2-{second[..8]}", previous: $"1-{first[..8]}");
        status["fetched"]!["objects"]!.GetValue<int>().Should().BeInRange(2, 20, "the two changed files, the trees above them and the commit");
        status["fetched"]!["bytes"]!.GetValue<long>().Should().BeInRange(200_000, 400_000, "a new file has 200 kB that do not compress");

        var third = _server.Publish(Broken(Version(3)), "3");
        machine.WaitFor($"READY deployment=2-{second[..8]}", Patience);
        Done("fell back to version 2");
        Count(machine.Log, "Attempted to kill init").Should().Be(3, "each try of version 3 panics");
        Eventually(() => IsGood(device, second) && _server.Show(device)["failed"]?.GetValue<string>() == third);
        var known = _server.Show(device);
        known["lastEvent"]!["kind"]!.GetValue<string>().Should().Be(EventKind.FellBack);
        known["lastEvent"]!["commit"]!.GetValue<string>().Should().Be(third);

        Eventually(() => Status(shell)["lastResult"]!["message"]!.GetValue<string>().Contains($"commit {third} is denied here", StringComparison.Ordinal));
        var polled = LastPoll(shell);
        Eventually(() => LastPoll(shell) > polled);
        Done("leaves version 3 alone");
        status = Status(shell);
        Runs(status, $"2-{second[..8]}", previous: $"1-{first[..8]}");
        status["denied"]!.AsArray().Select(commit => commit!.GetValue<string>()).Should().Equal(third);
        Guest(shell, "cat /ctree/state/denied").Should().StartWith($"{third} {Denials.FailedBoot} ");
        Guest(shell, "cat /etc/version").Should().Be("2");
        Guest(shell, $"cd / && {Inventory}").Should().Be(Programs.Run(_directory["v2"], "sh", "-c", Inventory).Trim());
        Guest(shell, "touch /usr/x; touch /ctree/x").Split("Read-only file system").Should().HaveCount(3, "the agent made /ctree writable for itself alone");
        Guest(shell, "systemctl list-units --failed --plain --no-legend").Should().BeEmpty();
    }

    /// <summary>A Debian with the device's program and its service, and a few files that tell versions apart.</summary>
    private string Version(int number)
    {
        var tree = _debian.NewVersion(_directory[$"v{number}"]);
        var (library, units) = (Path.Combine(tree, "usr/lib/ctree"), Path.Combine(tree, "usr/lib/systemd/system"));
        File.Copy(Ctree, Path.Combine(library, "ctree"));
        File.Copy(Path.Combine(Path.GetDirectoryName(Ctree)!, "libMonoPosixHelper.so"), Path.Combine(library, "libMonoPosixHelper.so"));
        File.CreateSymbolicLink(Path.Combine(tree, "usr/bin/ctree"), "../lib/ctree/ctree");
        File.Copy(Path.Combine(BootSamples.Repository, "packaging/systemd/ctree-agent.service"), Path.Combine(units, "ctree-agent.service"));
        Programs.Run(tree, "chroot", tree, "systemctl", "--quiet", "enable", "ctree-agent.service");
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
        string[] to = ["--root", root];
        Programs.Run(root, Ctree, [.. to, "init", "--server", _server.Address.ToString(), "--branch", "main", "--trust", _server.TrustRoot, "--token", _server.Run("token", "create", "--enrol").Trim()]);
        Programs.Run(root, Ctree, [.. to, "update"]);
        var config = Path.Combine(root, "ctree/agent.conf");
        // From inside the machine, the host's loopback has this address.
        var text = File.ReadAllText(config).Replace("http://127.0.0.1:", "http://10.0.2.2:", StringComparison.Ordinal);
        File.WriteAllText(config, text + "\n[poll]\ninterval = 5s\nretry-min = 2s\nretry-max = 5s\n\n[update]\nreboot = auto\n\n[health]\nsettle = 2s\n");
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

    /// <summary>Waits until it is so. Every question starts a program, which the machine waits for.</summary>
    private void Eventually(Func<bool> holds, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(holds))] string? what = null)
    {
        var watch = Stopwatch.StartNew();
        while (!holds())
        {
            if (watch.Elapsed > Patience)
                throw new TimeoutException($"not within {Patience}: {what}; the server's log:\n{_server.Log}");
            Task.Delay(TimeSpan.FromSeconds(3)).Wait();
        }
    }

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
