using ContentTree.Tests.Boot;

namespace ContentTree.Tests.EndToEnd;

/// <summary>The real Debian root file system of make-rootfs.sh, with the kernel and the initramfs that Debian's tools made of it.</summary>
internal sealed class DebianRoot
{
    private static readonly Lazy<DebianRoot> Made = new(() =>
    {
        var directory = Path.Combine(BootSamples.Repository, ".work/rootfs");
        Programs.Run(BootSamples.Repository, "bash", "Tests/EndToEnd/make-rootfs.sh", directory, StaticSelector.Path);
        return new DebianRoot(directory);
    });

    private DebianRoot(string directory)
    {
        Tree = Path.Combine(directory, "tree");
        Kernel = Path.Combine(directory, "vmlinuz");
        Initramfs = Path.Combine(directory, "initrd.img");
    }

    /// <summary>The tree as it would be published. Tests link from it and must not write into it.</summary>
    public string Tree { get; }

    public string Kernel { get; }

    public string Initramfs { get; }

    /// <summary>Makes it, or takes the one that is there and still right.</summary>
    public static DebianRoot Make() => Made.Value;

    /// <summary>
    /// Another version to publish or deploy, with the test's units in it. Its files are links, so they may be replaced but not
    /// written into; those in /etc are its own.
    /// </summary>
    public string NewVersion(string path)
    {
        Programs.Run("/", "cp", "-al", Tree, path);
        Directory.Delete(Path.Combine(path, "etc"), recursive: true);
        Programs.Run("/", "cp", "-a", Path.Combine(Tree, "etc"), path);
        AddTestUnits(Path.Combine(path, "etc"));
        return path;
    }

    /// <summary>
    /// What makes a tree testable, below its /etc: a line on the console when it is up, and a shell on the second serial line.
    /// </summary>
    private static void AddTestUnits(string etc)
    {
        WriteUnit(etc, "ctree-test-ready.service", """
            [Unit]
            Description=Tell the test that the system is up
            After=multi-user.target

            [Service]
            Type=oneshot
            ExecStart=/bin/sh -c 'echo "READY $(cat /run/ctree/booted | tr "\\n" " ")" >/dev/ttyS0'
            """);
        WriteUnit(etc, "ctree-test-shell.service", """
            [Unit]
            Description=A shell for the test

            [Service]
            ExecStart=/bin/sh -c 'stty -echo -onlcr; exec sh 2>/dev/null'
            StandardInput=tty
            StandardOutput=tty
            StandardError=tty
            TTYPath=/dev/ttyS1
            TTYReset=yes
            Restart=always
            # An interactive shell ignores the usual signal, and every reboot would wait for it.
            KillSignal=SIGKILL
            """);
    }

    private static void WriteUnit(string etc, string name, string text)
    {
        var units = Path.Combine(etc, "systemd/system");
        File.WriteAllText(Path.Combine(units, name), text + "\n");
        var wants = Directory.CreateDirectory(Path.Combine(units, "multi-user.target.wants")).FullName;
        File.CreateSymbolicLink(Path.Combine(wants, name), "../" + name);
    }
}
