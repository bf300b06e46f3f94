using ContentTree.BootFile;
using ContentTree.Store.Objects;
using ContentTree.Tests.EndToEnd;

namespace ContentTree.Tests.Crash;

/// <summary>
/// A virtual machine that mounts one disk of f2fs after the other and tells what would boot from it: found with its own kernel and busybox,
/// and with the programs as they are shipped.
/// </summary>
internal sealed class F2fsMachine : IDisposable
{
    private const string Life = """
        mkdir /mnt
        cat > /bin/look <<'END'
        dmesg -c > /dev/null; umount /mnt 2>/dev/null; blockdev --flushbufs /dev/vda
        mount -t f2fs /dev/vda /mnt || { dmesg | tail; exit 1; }
        would=$(ctree-select --root /mnt --show | sed -n 's/^would boot \([^:]*\):.*/\1/p')
        [ -n "$would" ] || { ctree-select --root /mnt --show; dmesg | grep -i f2fs | tail -n 20; umount /mnt; exit 2; }
        echo "name $would"
        echo "commit $(sed -n 's/^commit=//p' /mnt/ctree/deploy/$would.ok)"
        for slot in a b; do echo "slot.$slot $(base64 /mnt/ctree/boot/boot.$slot | tr -d '\n')"; done
        echo "tree $(cd /mnt/ctree/deploy/$would && { find . -exec stat -c '%n %a %F %u:%g %Y %N' {} + | sort; find . -type f -exec sha256sum {} + | sort; } | sha256sum)"
        [ -n "$1" ] || umount /mnt
        END
        cat > /bin/recover <<'END'
        run() { "$@" > /tmp/said 2>&1; code=$?; [ $code = 0 ] || [ $code = "$or" ] || { echo "$* ends with $code"; cat /tmp/said; umount /mnt; exit 1; }; }
        look stay > /dev/null || exit 1
        [ "$1" != repair ] || run ctree --root /mnt repair
        run ctree-select --root /mnt --print
        or=16; run ctree --root /mnt update; or=
        run ctree --root /mnt gc
        run ctree --root /mnt verify --full
        umount /mnt; look
        END
        chmod 755 /bin/look /bin/recover
        { stty -echo; echo ready > /dev/console; sh | cat > /dev/ttyS1; } < /dev/ttyS1
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly VirtualMachine _machine;
    private readonly GuestShell _shell;
    private readonly string _directory;

    /// <param name="disk">The file of a root partition, which changes between the calls.</param>
    public F2fsMachine(string disk, string directory)
    {
        _directory = Directory.CreateDirectory(Path.Combine(directory, "looker")).FullName;
        var (kernel, initramfs) = (TestKernel.FetchGeneric(), Path.Combine(_directory, "initramfs"));
        CutGuest.Make(initramfs, kernel, Life, CutRoot.F2fs, mount: false);
        _machine = VirtualMachine.Start(new VirtualMachineOptions { Kernel = kernel.Image, Initramfs = initramfs, Disk = disk, Network = true, MemoryMegabytes = 512 });
        _machine.WaitFor("ready", Patience);
        _shell = _machine.OpenShell();
    }

    /// <summary>What would boot; counts nothing.</summary>
    public Bootable Look() => Read("look");

    /// <summary>The device is started again and does what is left to do; what would boot after that.</summary>
    public Bootable Recover(bool isDamaged) => Read(isDamaged ? "recover repair" : "recover");

    public void Dispose()
    {
        _shell.Dispose();
        _machine.Dispose();
    }

    private Bootable Read(string command)
    {
        var (exit, output) = _shell.Run(command, Patience);
        exit.Should().Be(0, output);
        var said = output.Split('\n').Select(line => line.Split(' ', 2)).Where(words => words.Length == 2).ToDictionary(words => words[0], words => words[1]);
        foreach (var slot in new[] { "a", "b" })
            File.WriteAllBytes(Path.Combine(_directory, $"boot.{slot}"), Convert.FromBase64String(said[$"slot.{slot}"]));
        var record = new BootSlots(_directory).Read();
        record.Should().NotBeNull("one slot is always whole");
        return new Bootable(ObjectId.Parse(said["commit"]), said["tree"], record!.Sequence);
    }
}
