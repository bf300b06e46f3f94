using System.Text;
using ContentTree.BootFile;
using ContentTree.Tests.EndToEnd;

namespace ContentTree.Tests.Crash;

/// <summary>
/// A virtual machine that mounts one disk after the other, with its boot partition of FAT: every file there is read, one is written, and a
/// complaint of the kernel is a failure, since it ends in a partition that takes no writes.
/// </summary>
internal sealed class FatMachine : IDisposable
{
    private const string Life = """
        mkdir /mnt
        cat > /bin/look <<'END'
        umount /mnt/ctree/boot 2>/dev/null; umount /mnt 2>/dev/null; blockdev --flushbufs /dev/vda; dmesg -c > /dev/null
        mount -t ext4 /dev/vda2 /mnt && mount -t vfat /dev/vda1 /mnt/ctree/boot || { dmesg | tail; exit 1; }
        would=$(ctree-select --root /mnt --show | sed -n 's/^would boot \([^:]*\):.*/\1/p')
        [ -n "$would" ] || { ctree-select --root /mnt --show; exit 2; }
        echo "assets $(sed -n 's/^assets=//p' /mnt/ctree/deploy/$would.ok)"
        cd /mnt/ctree/boot
        find . -type f -exec sha256sum {} + > /tmp/sums || { dmesg | tail; exit 3; }
        sed 's/^/sum /' /tmp/sums
        for file in boot.a boot.b loader/loader.conf loader/entries/*; do [ ! -f $file ] || echo "text ./$file $(base64 $file | tr -d '\n')"; done
        echo probe > probe && sync && rm probe && sync || { dmesg | tail; exit 4; }
        cd /
        if dmesg | grep FAT-fs | grep -v 'not properly unmounted'; then exit 5; fi
        [ -n "$1" ] || { umount /mnt/ctree/boot; umount /mnt; }
        END
        cat > /bin/recover <<'END'
        run() { "$@" > /tmp/said 2>&1; code=$?; [ $code = 0 ] || [ $code = "$or" ] || { echo "$* ends with $code"; cat /tmp/said; exit 1; }; }
        look stay > /dev/null || exit 1
        run ctree-select --root /mnt --print
        or=16; run ctree --root /mnt update; or=
        run ctree --root /mnt gc
        run ctree --root /mnt verify --full
        look
        END
        chmod 755 /bin/look /bin/recover
        { stty -echo; echo ready > /dev/console; sh | cat > /dev/ttyS1; } < /dev/ttyS1
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly VirtualMachine _machine;
    private readonly GuestShell _shell;
    private readonly string _directory;

    /// <param name="disk">The file of a whole disk, which changes between the calls.</param>
    public FatMachine(string disk, string directory)
    {
        _directory = Directory.CreateDirectory(Path.Combine(directory, "looker")).FullName;
        var (kernel, initramfs) = (TestKernel.Fetch(), Path.Combine(_directory, "initramfs"));
        CutGuest.Make(initramfs, kernel, Life, mount: false);
        _machine = VirtualMachine.Start(new VirtualMachineOptions { Kernel = kernel.Image, Initramfs = initramfs, Disk = disk, Network = true, MemoryMegabytes = 512 });
        _machine.WaitFor("ready", Patience);
        _shell = _machine.OpenShell();
    }

    /// <summary>What is there; counts nothing.</summary>
    public FatSight Look() => Read("look");

    /// <summary>The device is started again and does what is left to do; what is there after that.</summary>
    public FatSight Recover() => Read("recover");

    public void Dispose()
    {
        _shell.Dispose();
        _machine.Dispose();
    }

    private FatSight Read(string command)
    {
        var (exit, output) = _shell.Run(command, Patience);
        exit.Should().Be(0, output);
        var said = output.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToLookup(words => words[0], words => words[1..]);
        var bytes = said["text"].ToDictionary(words => words[0][2..], words => words.Length > 1 ? Convert.FromBase64String(words[1]) : []);
        foreach (var slot in new[] { "boot.a", "boot.b" })
            File.WriteAllBytes(Path.Combine(_directory, slot), bytes.GetValueOrDefault(slot, []));
        var record = new BootSlots(_directory).Read();
        record.Should().NotBeNull("one slot is always whole");
        return new FatSight(
            record!, said["assets"].Single() is [var assets] ? assets : "",
            said["sum"].ToDictionary(words => words[1][2..], words => words[0]),
            bytes.ToDictionary(file => file.Key, file => Encoding.Latin1.GetString(file.Value)));
    }
}
