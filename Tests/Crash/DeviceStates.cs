using ContentTree.Server.Deltas;
using ContentTree.Store;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Objects;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>Makes one device and keeps a copy of it at each step of its life.</summary>
internal sealed class DeviceStates(TestServer server, string directory)
{
    public const string Unset = "unset", Confirmed = "confirmed", Delta = "delta", Pulled = "pulled", Trial = "trial";
    public const string Updated = "updated", FellBack = "fell-back", Littered = "littered", Damaged = "damaged";

    /// <summary>What every published tree has, as a shell script.</summary>
    public const string Common = """
        umask 022; mkdir -p usr/lib/deep etc/conf.d var/lib
        echo name > etc/hostname; echo a > etc/conf.d/a; chmod 640 etc/conf.d/a; echo first > var/lib/data
        ln -s lib usr/link; : > usr/empty; cp /bin/true usr/tool; chmod 4755 usr/tool
        printf same > usr/one; printf same > usr/two; chmod 600 usr/two; seq 1 20000 > usr/lib/numbers
        """;

    public static string[] Rights => Posix.IsRoot ? [] : ["--unprivileged"];

    public ObjectId New { get; private set; }

    private string Device => Path.Combine(directory, "device");

    public string PathOf(string state) => Path.Combine(directory, state);

    public async Task MakeAsync()
    {
        using var device = new TestDevice(Device);
        device.Configure("connections = 1\nstall-timeout = 30s\n[store]\nkeep = 1\nmin-free = 0\n");
        Shell.Run($"mkdir -p '{Device}/home/user' && echo mine > '{Device}/home/user/file' && echo theirs > '{Device}/etc/passwd'");
        Keep(Unset);
        server.Publish($"{Common}; echo 0 > usr/version");
        await RunAsync(device, ["init", "--server", server.Link.Url, "--branch", "main", "--token", server.Token(), .. Rights]);
        await device.TakeAsync();
        var old = server.Publish($"{Common}; echo 1 > usr/version; seq 1 3000 > usr/lib/changing; echo 1 > usr/lib/deep/leaf");
        await device.TakeAsync();
        File.WriteAllText(Path.Combine(device.Layout.Root, "ctree/data/var/lib/written"), "by a program");
        Keep(Confirmed);
        await MakeDeltaAsync(device, old);
        New = server.Publish($"{Common}; echo 2 > usr/version; seq 2 3001 > usr/lib/changing; mkdir etc/new; echo n > etc/new/file; head -c 100000 /dev/urandom > usr/random");
        await RunAsync(device, "pull");
        Keep(Pulled);
        await LitterAsync(device);
        Restore(Pulled);
        await device.UpdateAsync();
        await FallBackAsync(device);
        device.BootNow();
        Keep(Trial);
        await RunAsync(device, "confirm");
        Keep(Updated);
        Damage(device);
        Keep(Damaged);
    }

    private async Task MakeDeltaAsync(TestDevice device, ObjectId old)
    {
        var target = server.Publish($"{Common}; echo d > usr/version; seq 5 3005 > usr/lib/changing; mkdir etc/new; head -c 50000 /dev/urandom > usr/random", "other");
        using (var deltas = new DeltaStore(server.Data))
            deltas.Make(old, target, new DeltaOptions { PartBytes = 20_000 }, null, CancellationToken.None);
        await RunAsync(device, "switch", "other");
        Keep(Delta);
        Restore(Confirmed);
    }

    private async Task FallBackAsync(TestDevice device)
    {
        Keep("switched");
        var before = device.BootNow();
        for (var boot = 0; device.BootNow() == before; boot++)
            boot.Should().BeLessThan(5, "a trial ends");
        Keep(FellBack);
        Restore("switched");
    }

    private async Task LitterAsync(TestDevice device)
    {
        await RunAsync(device, "keep", "1");
        await device.TakeAsync();
        await RunAsync(device, "unkeep", "1");
        Shell.Run($"cd '{device.Layout.Deployments}' && mkdir -p .trash-7-01234567/usr 9-89abcdef/usr 9-89abcdef.etc && echo x > 9-89abcdef/usr/x && echo half > .new-0123 && echo y > .trash-7-01234567/usr/y");
        Shell.Run($"head -c 5000 /dev/zero > '{Device}/ctree/store/incoming/{new string('a', 64)}.part'");
        Keep(Littered);
    }

    private void Damage(TestDevice device)
    {
        var deployment = Path.Combine(device.Layout.Deployments, device.Deployments()[^1]);
        var numbers = device.StoredFile(string.Concat(Enumerable.Range(1, 20000).Select(i => $"{i}\n")));
        Shell.Run($"time=$(stat -c @%Y '{numbers}'); printf X | dd of='{numbers}' conv=notrunc status=none; touch -d $time '{numbers}'");
        Shell.Run($"cd '{deployment}' && rm usr/empty && echo more > usr/more && chmod 700 usr/lib/deep");
        var tree = Directory.GetFiles(Path.Combine(Device, "ctree/store/objects"), "*.tree", SearchOption.AllDirectories).Order(StringComparer.Ordinal).First();
        File.Delete(tree);
    }

    private static async Task RunAsync(TestDevice device, params string[] words)
    {
        var result = await device.RunAsync(words);
        result.Code.Should().Be(0, result.Error);
    }

    private void Keep(string state) => Shell.Run($"cp -a '{Device}' '{PathOf(state)}'");

    private void Restore(string state) => Shell.Run($"rm -rf '{Device}' && cp -a '{PathOf(state)}' '{Device}'");
}
