using ContentTree.Store.Objects;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.EndToEnd;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>A machine that goes from branch to branch for ever, and loses its power again and again; its disk stays.</summary>
internal sealed class ChainedDevice(string directory, string root, IReadOnlyDictionary<string, (ObjectId Commit, string Tree)> branches)
{
    // Each line of the console begins with it.
    private const string Now = "now ";

    private const string Life = """
        run() { "$@" > /tmp/said 2>&1; }
        boot() { run ctree-select --root /mnt --print && echo now booted || { echo "FAILED to boot"; cat /tmp/said; }; }
        boot
        n=$(($(date +%s) % 3))
        while :; do
          run ctree --root /mnt confirm; echo now confirmed
          run ctree --root /mnt gc; echo now collected
          n=$(((n + 1) % 3)); echo now trying branch$n
          if run ctree --root /mnt switch branch$n && run ctree --root /mnt update; then echo now switched branch$n; else echo "FAILED branch$n $?"; cat /tmp/said; fi
          boot
        done
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly string _disk = Path.Combine(directory, "disk"), _initramfs = Path.Combine(directory, "initramfs");
    private readonly TestKernel _kernel = TestKernel.Fetch();
    private ObjectId _acknowledged = branches["branch0"].Commit;
    private ulong _sequence;

    /// <summary>Acknowledged switches so far.</summary>
    public int Switches { get; private set; }

    /// <summary>A device that knows three branches, and what a deployment of each must be.</summary>
    public static async Task<(string Root, Dictionary<string, (ObjectId, string)> Branches)> PrepareAsync(TestServer server, string directory)
    {
        using var device = new TestDevice(Path.Combine(directory, "device"));
        device.Configure("connections = 1\nstall-timeout = 30s\n[store]\nmin-free = 0\nkeep = 1\n[boot]\ntries = 99\n");
        var branches = new Dictionary<string, (ObjectId, string)>();
        foreach (var branch in new[] { "branch1", "branch2", "branch0" })
        {
            var commit = server.Publish($"{DeviceStates.Common}; echo {branch} > usr/version; head -c 300000 /dev/urandom > usr/random", branch);
            string[] words = branches.Count == 0
                ? ["init", "--server", server.Link.Url, "--branch", branch, "--token", server.Token()]
                : ["switch", branch];
            var set = await device.RunAsync(words);
            set.Code.Should().Be(0, set.Error);
            await device.TakeAsync();
            branches[branch] = (commit, TreeDigest.Of(Path.Combine(device.Layout.Deployments, device.BootNow())));
        }
        device.Configure($"[server]\nurl = {server.Link.Url.Replace("127.0.0.1", "10.0.2.2", StringComparison.Ordinal)}\nallow-http = true\n");
        return (device.Root, branches);
    }

    public void Provision(CutRoot kind)
    {
        Directory.CreateDirectory(directory);
        Shell.Run($"cp -a '{root}' '{directory}/root'");
        CutDisk.Make(_disk, Path.Combine(directory, "root"), kind);
        CutGuest.Make(_initramfs, _kernel, Life);
    }

    /// <summary>Boots, lets it take some steps and part of one, and pulls the plug; then the disk must hold what was acknowledged, or what was being done.</summary>
    public void RunAndCut(int steps, TimeSpan after)
    {
        string said;
        var options = new VirtualMachineOptions { Kernel = _kernel.Image, Initramfs = _initramfs, Disk = _disk, Network = true, MemoryMegabytes = 512 };
        using (var machine = VirtualMachine.Start(options))
        {
            for (var step = 0; step <= steps; step++)
                machine.WaitFor(Now, Patience);
            Thread.Sleep(after);
            machine.Kill();
            said = machine.Log;
        }
        said.Should().NotContain("FAILED").And.NotContain("EXT4-fs error");
        var tried = Follow(said);
        using var image = new CutImage(File.ReadAllBytes(_disk), []);
        image.Become(new CutState(CutState.Prefix, 0, 0, []));
        image.Mount();
        try
        {
            Check(Bootable.On(image.Root), tried, said);
        }
        finally
        {
            image.Unmount();
        }
    }

    // What was tried and not acknowledged; null when nothing was.
    private ObjectId? Follow(string said)
    {
        ObjectId? tried = null;
        foreach (var line in said.Split('\n').Select(line => line.Split(' ')))
        {
            switch (line)
            {
                case ["now", "trying", var branch]:
                    tried = branches[branch].Commit;
                    break;
                case ["now", "switched", var branch]:
                    (_acknowledged, tried) = (branches[branch].Commit, null);
                    Switches++;
                    break;
            }
        }
        return tried;
    }

    private void Check(Bootable now, ObjectId? tried, string said)
    {
        now.Commit.Should().Match<ObjectId>(id => id == _acknowledged || id == tried, "no acknowledged switch is lost; the console said: {0}", said);
        now.Tree.Should().Be(branches.Values.Single(branch => branch.Commit == now.Commit).Tree, "what is booted is whole");
        now.Sequence.Should().BeGreaterThanOrEqualTo(_sequence);
        (_acknowledged, _sequence) = (now.Commit, now.Sequence);
    }
}
