using System.Diagnostics;
using ContentTree.Tests.Boot;

namespace ContentTree.Tests.EndToEnd;

/// <summary>A virtual machine with one disk and an initramfs that holds the selector and nothing else that runs.</summary>
internal sealed class VirtualDevice : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly TestKernel _kernel = TestKernel.Fetch();

    /// <summary>The disk's image; it stays between runs.</summary>
    public string Disk => _directory["disk.img"];

    /// <summary>Further modules for the initramfs, loaded after those of the disk.</summary>
    public List<string> ExtraModules { get; } = [];

    /// <summary>
    /// Starts the machine and lets it reboot as it likes until it powers off. Returns what came over the serial line.
    /// </summary>
    /// <exception cref="TimeoutException">It did not power off in time; the message has the serial log.</exception>
    public string RunUntilPowerOff(string commandLine = "", TimeSpan? patience = null) => Run(commandLine, patience, null);

    /// <summary>As <see cref="RunUntilPowerOff"/>, but pulls the plug once the text has come.</summary>
    public string RunUntil(string text, string commandLine = "", TimeSpan? patience = null) => Run(commandLine, patience, text);

    public void Dispose() => _directory.Dispose();

    private string Run(string commandLine, TimeSpan? patience, string? text)
    {
        var serial = _directory["serial.log"];
        File.Delete(serial);
        var append = "console=ttyS0 quiet panic=-1 nokaslr mitigations=off ctree.root=LABEL=ctree-root ctree.rescue-wait=1 " + commandLine;
        string[] words =
        [
            "-accel", "tcg", "-M", "q35", "-m", "256", "-kernel", _kernel.Image, "-initrd", MakeInitramfs(), "-append", append,
            "-drive", $"file={Disk},format=raw,if=virtio", "-display", "none", "-nodefaults", "-serial", "file:" + serial,
        ];
        using var machine = Process.Start("qemu-system-x86_64", words);
        try
        {
            return Watch(machine, serial, text, patience ?? TimeSpan.FromMinutes(2));
        }
        finally
        {
            if (!machine.HasExited)
                machine.Kill();
            machine.WaitForExit();
        }
    }

    private static string Watch(Process machine, string serial, string? text, TimeSpan patience)
    {
        var watch = Stopwatch.StartNew();
        while (!machine.WaitForExit(100))
        {
            if (text is not null && ReadLog(serial).Contains(text, StringComparison.Ordinal))
                return ReadLog(serial);
            if (watch.Elapsed > patience)
                throw new TimeoutException($"the machine was still running after {patience}; it said:\n{ReadLog(serial)}");
        }
        var log = ReadLog(serial);
        return text is null || log.Contains(text, StringComparison.Ordinal)
            ? log
            : throw new InvalidOperationException($"the machine powered off without saying '{text}'; it said:\n{log}");
    }

    private static string ReadLog(string path)
    {
        if (!File.Exists(path))
            return "";
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    private string MakeInitramfs()
    {
        var path = _directory["initramfs.cpio"];
        using var file = File.Create(path);
        var archive = new CpioArchive(file);
        foreach (var directory in new[] { "dev", "etc", "modules" })
            archive.Directory(directory);
        archive.File("init", File.ReadAllBytes(StaticSelector.Path), executable: true);
        var modules = _kernel.ForDisks.Concat(ExtraModules.Select(_kernel.Module)).ToArray();
        foreach (var module in modules)
            archive.File("modules/" + Path.GetFileName(module), File.ReadAllBytes(module));
        var list = string.Concat(modules.Select(module => $"/modules/{Path.GetFileName(module)}\n"));
        archive.File("etc/ctree-select.modules", System.Text.Encoding.ASCII.GetBytes(list));
        archive.End();
        return path;
    }
}
