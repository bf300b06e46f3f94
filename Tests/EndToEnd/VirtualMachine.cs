using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using ContentTree.Tests.Boot;

namespace ContentTree.Tests.EndToEnd;

/// <summary>
/// A running virtual machine: its disks, a kernel and an initramfs given from outside or the boot loader of its first disk, its console in <see cref="Log"/>. It may
/// reboot as often as it likes; it ends when it powers off, or when it is disposed of, which is pulling the plug.
/// </summary>
internal sealed class VirtualMachine : IDisposable
{
    /// <summary>What every kernel in an emulated machine is told.</summary>
    public const string KernelWords = "console=ttyS0 quiet nokaslr mitigations=off";

    private readonly TemporaryDirectory _directory = new();
    private readonly Process _process;
    private int _seen;

    private VirtualMachine(VirtualMachineOptions options)
    {
        string[] words =
        [
            "-accel", "tcg", "-M", "q35", "-m", $"{options.MemoryMegabytes}",
            .. options is { Kernel: { } kernel, Initramfs: { } initramfs }
                ? new[] { "-kernel", kernel, "-initrd", initramfs, "-append", $"{KernelWords} {(options.RebootsOnPanic ? "panic=-1 " : "")}{options.CommandLine}" }
                : [],
            .. options.IsUefi ? Firmware() : [],
            .. FirstDisk(options), "-display", "none", "-nodefaults",
            "-chardev", $"socket,id=console,path={_directory["console"]},server=on,wait=off,logfile={_directory["serial.log"]}", "-serial", "chardev:console",
            "-monitor", $"unix:{_directory["monitor"]},server=on,wait=off",
            "-serial", $"unix:{_directory["shell"]},server=on,wait=off",
            .. options.SecondDisk is { } second ? new[] { "-drive", $"file={second},format=raw,if=virtio" } : [],
            .. options.Network ? new[] { "-nic", "user,model=virtio-net-pci" } : ["-nic", "none"],
        ];
        _process = Process.Start("qemu-system-x86_64", words);
    }

    /// <summary>Everything the console has shown so far, over all boots.</summary>
    public string Log
    {
        get
        {
            var path = _directory["serial.log"];
            if (!File.Exists(path))
                return "";
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream);
            return reader.ReadToEnd().ReplaceLineEndings("\n");
        }
    }

    public static VirtualMachine Start(VirtualMachineOptions options) => new(options);

    /// <summary>Starts a machine and returns its console once it has powered off by itself.</summary>
    public static string RunUntilPowerOff(VirtualMachineOptions options, TimeSpan? patience = null)
    {
        using var machine = Start(options);
        return machine.WaitForPowerOff(patience ?? TimeSpan.FromMinutes(5));
    }

    /// <summary>Waits until the console shows the text, after what an earlier call waited for.</summary>
    /// <exception cref="TimeoutException">It did not; the message has the console.</exception>
    public void WaitFor(string text, TimeSpan patience)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var ended = _process.WaitForExit(100);
            var at = Log.IndexOf(text, _seen, StringComparison.Ordinal);
            if (at >= 0)
            {
                _seen = at + text.Length;
                return;
            }
            if (ended || watch.Elapsed > patience)
                throw new TimeoutException($"'{text}' did not come within {watch.Elapsed}; the console says:\n{Log}");
        }
    }

    /// <summary>The whole console, once the machine is off.</summary>
    /// <exception cref="TimeoutException">It is still running; the message has the console.</exception>
    public string WaitForPowerOff(TimeSpan patience) => _process.WaitForExit(patience)
        ? Log
        : throw new TimeoutException($"the machine was still running after {patience}; the console says:\n{Log}");

    /// <summary>Pulls the plug.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>The shell that a test's tree offers on its second serial line.</summary>
    public GuestShell OpenShell() => new(_directory["shell"]);

    /// <summary>Types a line on the console.</summary>
    public void Type(string line) => Send("console", line + "\r");

    /// <summary>Holds a key of its keyboard down for some time, by QEMU's name of it.</summary>
    public void HoldKey(string key, TimeSpan time) => Send("monitor", $"sendkey {key} {time.TotalMilliseconds:0}\n");

    private void Send(string socket, string text)
    {
        using var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        connection.Connect(new UnixDomainSocketEndPoint(_directory[socket]));
        connection.Send(Encoding.ASCII.GetBytes(text));
        // QEMU reads what was sent before the end of it.
        connection.Shutdown(SocketShutdown.Send);
        Task.Delay(TimeSpan.FromSeconds(1)).Wait();
    }

    private static string[] FirstDisk(VirtualMachineOptions options) => options.WriteLog is not { } log
        ? ["-drive", $"file={options.Disk},format=raw,if=virtio"]
        :
        [
            "-blockdev", $"driver=raw,node-name=disk,file.driver=file,file.filename={options.Disk}",
            "-blockdev", $"driver=raw,node-name=log,file.driver=file,file.filename={log}",
            "-blockdev", "driver=blklogwrites,node-name=logged,file=disk,log=log,log-super-update-interval=1",
            "-device", "virtio-blk-pci,drive=logged",
        ];

    // Its variables are its own, and go with it.
    private string[] Firmware()
    {
        File.Copy("/usr/share/OVMF/OVMF_VARS.fd", _directory["variables"]);
        return
        [
            "-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd",
            "-drive", $"if=pflash,format=raw,file={_directory["variables"]}",
        ];
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
        _directory.Dispose();
    }
}
