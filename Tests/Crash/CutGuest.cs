using System.Text;
using ContentTree.Tests.EndToEnd;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>An initramfs that has the device's programs and a shell script instead of a system.</summary>
internal static class CutGuest
{
    private static readonly string[] Modules =
        ["failover.ko", "net_failover.ko", "virtio_net.ko", "fat.ko", "vfat.ko", "nls_cp437.ko", "nls_ascii.ko"];

    private static readonly string[] F2fsModules =
        ["failover.ko", "net_failover.ko", "virtio_net.ko", "crc32_generic.ko", "zstd_compress.ko", "lz4_compress.ko", "lz4hc_compress.ko", "f2fs.ko"];

    // Beside what the programs say they need, what .NET asks for by name.
    private static readonly string[] Libraries = ["libssl.so.3", "libcrypto.so.3"];

    private const string Begin = """
        #!/bin/busybox sh
        export PATH=/bin HOME=/ DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
        /bin/busybox mount -t proc none /proc; /bin/busybox --install -s /bin
        mount -t sysfs none /sys; mount -t devtmpfs none /dev; mount -t tmpfs none /run; mount -t tmpfs none /tmp
        for module in $(cat /modules/list); do insmod /modules/$module; done
        ifconfig lo 127.0.0.1; ifconfig eth0 10.0.2.15

        """;

    private const string MountExt4 = """
        mkdir /mnt; mount -t ext4 /dev/vda2 /mnt || { echo "no root"; poweroff -f; }
        [ -e /mnt/ctree/boot/boot.a ] || mount -t vfat /dev/vda1 /mnt/ctree/boot || { echo "no boot partition"; poweroff -f; }

        """;

    // What is on the disk comes with the first start; this tar does not give directories and links their times.
    private const string MountF2fs = """
        mkdir /mnt; mount -t f2fs /dev/vda2 /mnt || { echo "no root"; dmesg | tail; poweroff -f; }
        [ -e /mnt/ctree ] || { tar -x -p -f /root.tar -C /mnt && find /mnt/ctree/deploy/*-*[0-9a-f] -exec touch -h -d @1 {} + && sync; } || { echo "no files"; poweroff -f; }

        """;

    /// <summary>Writes the initramfs: file systems and network are there, then the script runs and the machine goes off.</summary>
    /// <param name="content">What is put on a root of f2fs, a tar archive.</param>
    /// <param name="mount">Whether the device's root is mounted at /mnt.</param>
    public static void Make(string path, TestKernel kernel, string script, CutRoot root = CutRoot.Ext4, byte[]? content = null, bool mount = true)
    {
        var (own, mounting) = root == CutRoot.F2fs ? (F2fsModules, MountF2fs) : (Modules, MountExt4);
        using var file = File.Create(path);
        var archive = new CpioArchive(file);
        foreach (var directory in new[] { "dev", "proc", "sys", "run", "tmp", "bin", "lib", "lib64", "modules" })
            archive.Directory(directory);
        archive.File("init", Encoding.UTF8.GetBytes(Begin + (mount ? mounting : "") + script + "\npoweroff -f\n"), executable: true);
        if (content is not null)
            archive.File("root.tar", content);
        archive.File("bin/busybox", File.ReadAllBytes("/bin/busybox"), executable: true);
        archive.File("bin/ctree", File.ReadAllBytes(FaultyProgram.Program), executable: true);
        archive.File("bin/ctree-select", File.ReadAllBytes(StaticSelector.Path), executable: true);
        var mono = Path.Combine(Path.GetDirectoryName(FaultyProgram.Program)!, "libMonoPosixHelper.so");
        archive.File("bin/libMonoPosixHelper.so", File.ReadAllBytes(mono), executable: true);
        foreach (var library in LibrariesOf(FaultyProgram.Program, mono))
            archive.File((Path.GetFileName(library).StartsWith("ld-linux", StringComparison.Ordinal) ? "lib64/" : "lib/") + Path.GetFileName(library), File.ReadAllBytes(library), executable: true);
        var modules = kernel.ForDisks.Concat(own.Select(kernel.Module)).ToArray();
        foreach (var module in modules)
            archive.File("modules/" + Path.GetFileName(module), File.ReadAllBytes(module));
        archive.File("modules/list", Encoding.ASCII.GetBytes(string.Join('\n', modules.Select(module => Path.GetFileName(module)))));
        archive.End();
    }

    private static IEnumerable<string> LibrariesOf(params string[] programs)
    {
        var named = Shell.Run($"ldd {string.Join(' ', programs.Select(program => $"'{program}'"))} | grep -o '/[^ ]*\\.so[^ ]*' | sort -u");
        var others = Shell.Run("ldconfig -p | grep -o '/.*'");
        return named.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(path => !path.EndsWith(':') && !programs.Contains(path))
            .Concat(Libraries.Select(name => others.Split('\n').First(path => path.EndsWith("/" + name, StringComparison.Ordinal))))
            .DistinctBy(path => Path.GetFileName(path));
    }
}
