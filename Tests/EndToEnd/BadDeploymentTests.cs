using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using ContentTree.BootFile;
using ContentTree.Tests.Boot;
using Xunit.Abstractions;

namespace ContentTree.Tests.EndToEnd;

/// <summary>
/// Trees that are bad before any agent could run, on a real kernel: the old deployment is back within tries + 1 boots, by itself. One
/// try, because SelectorBootTests counts three. What only systemd and an agent show is in <see cref="BadAgentTests"/>.
/// </summary>
[Trait("Category", "Qemu")]
[Collection("Qemu 1")]
public sealed partial class BadDeploymentTests(ITestOutputHelper output) : IDisposable
{
    internal const string Tell = """
        echo "BOOTED $(busybox sed -n 's/^deployment=//p' /run/ctree/booted) $(busybox sed -n 's/^state=//p' /run/ctree/booted)"

        """;

    /// <summary>Not too quiet a kernel, so that its starts can be counted.</summary>
    internal const string Words = "ctree.root=LABEL=ctree-root loglevel=6";

    private readonly DeviceDisk _disk = new();
    private readonly TemporaryDirectory _images = new();
    private readonly TestKernel _kernel = TestKernel.Fetch();

    public void Dispose()
    {
        _images.Dispose();
        _disk.Dispose();
    }

    [QemuTheory]
    [InlineData("is missing")]
    [InlineData("ends")]
    [InlineData("panics the kernel")]
    [InlineData("hangs")]
    [InlineData("cannot write to its root")]
    [InlineData("crashes")]
    [InlineData("is for another processor")]
    [InlineData("needs a library that is not there")]
    [InlineData("may not be executed")]
    [InlineData("is a link that leads nowhere")]
    [InlineData("fills the disk and ends")]
    public void Whatever_is_wrong_with_the_new_init_the_old_deployment_comes_back(string what)
    {
        _disk.Add(1, Tell + "busybox sync; busybox poweroff -f\n");
        var name = _disk.Add(2, Tell + "exit 1\n");
        Spoil(what, Path.Combine(_disk.Layout.Deployment(name), "sbin/init"));
        _disk.Slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        _disk.Slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 1));
        _disk.ToImage(_images["disk"]);

        var watch = Stopwatch.StartNew();
        var log = VirtualMachine.RunUntilPowerOff(new VirtualMachineOptions
        {
            Kernel = _kernel.Image,
            Initramfs = SelectorInitramfs.Make(_images["initramfs"], _kernel, what == "hangs" ? ["watchdog.ko", "softdog.ko"] : []),
            Disk = _images["disk"],
            CommandLine = $"{Words} ctree.rescue-wait=1 {(what == "hangs" ? "ctree.watchdog=3" : "")}",
        });

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"init {what}: back after {watch.Elapsed.TotalSeconds:0.0} s"));
        BootLine().Matches(log).Select(match => match.Groups[1].Value).Should().EndWith("1-00000001 fallback");
        KernelStart().Count(log).Should().BeInRange(1, 2);
    }

    [QemuFact]
    public void A_trial_that_panics_ends_although_nobody_put_panic_on_the_command_line()
    {
        const string Settings = "echo \"PANIC $(busybox cat /proc/sys/kernel/panic /proc/sys/kernel/panic_on_oops | busybox tr '\\n' ' ')\"\n";
        _disk.Add(1, Tell + Settings + "busybox sync; busybox poweroff -f\n");
        _disk.Add(2, Tell + Settings + "exit 1\n");
        _disk.Slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        _disk.Slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 1));
        _disk.ToImage(_images["disk"]);

        var log = VirtualMachine.RunUntilPowerOff(new VirtualMachineOptions
        {
            Kernel = _kernel.Image,
            Initramfs = SelectorInitramfs.Make(_images["initramfs"], _kernel),
            Disk = _images["disk"],
            CommandLine = Words,
            RebootsOnPanic = false,
        });

        BootLine().Matches(log).Select(match => match.Groups[1].Value).Should().Equal("2-00000002 trial", "1-00000001 fallback");
        PanicLine().Matches(log).Select(match => match.Groups[1].Value.Trim()).Should().Equal("10 1", "0 0");
    }

    private static void Spoil(string what, string init)
    {
        switch (what)
        {
            case "is missing":
                File.Delete(init);
                break;
            case "ends":
                Write(init, "#!/bin/sh\nexit 1\n"u8.ToArray());
                break;
            case "hangs":
                Write(init, "#!/bin/sh\nwhile :; do /bin/busybox sleep 1; done\n"u8.ToArray());
                break;
            case "cannot write to its root":
                Write(init, "#!/bin/sh\nPATH=/bin\nbusybox touch /usable || exit 1\nbusybox poweroff -f\n"u8.ToArray());
                break;
            case "panics the kernel":
                Write(init, "#!/bin/sh\necho c >/proc/sysrq-trigger\n"u8.ToArray());
                break;
            case "crashes":
                Write(init, Elf(machine: 0x3e));
                break;
            case "is for another processor":
                Write(init, Elf(machine: 0xb7));
                break;
            case "needs a library that is not there":
                Write(init, File.ReadAllBytes("/usr/bin/true"));
                break;
            case "may not be executed":
                Programs.Run("/", "chmod", "644", init);
                break;
            case "is a link that leads nowhere":
                File.Delete(init);
                File.CreateSymbolicLink(init, "../lib/systemd/systemd");
                break;
            default:
                Write(init, "#!/bin/sh\nPATH=/bin\nbusybox dd if=/dev/zero of=/var/fill bs=64k 2>/dev/null\nbusybox sync\nexit 1\n"u8.ToArray());
                break;
        }
    }

    private static void Write(string init, byte[] content)
    {
        File.Delete(init);
        File.WriteAllBytes(init, content);
        Programs.Run("/", "chmod", "755", init);
    }

    /// <summary>The smallest 64-bit program: one segment, whose first instruction no processor has.</summary>
    private static byte[] Elf(ushort machine)
    {
        const int Header = 64, Segment = 56;
        const ulong Base = 0x400000;
        var file = new byte[Header + Segment + 4];
        "\u007fELF"u8.CopyTo(file);
        (file[4], file[5], file[6]) = (2, 1, 1);
        void U16(int at, int value) => BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), (ushort)value);
        void U32(int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), value);
        void U64(int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(at), value);
        U16(16, 2);
        U16(18, machine);
        U32(20, 1);
        U64(24, Base + Header + Segment);
        U64(32, Header);
        U16(52, Header);
        U16(54, Segment);
        U16(56, 1);
        U32(Header, 1);
        U32(Header + 4, 5);
        U64(Header + 16, Base);
        U64(Header + 24, Base);
        U64(Header + 32, (ulong)file.Length);
        U64(Header + 40, (ulong)file.Length);
        U64(Header + 48, 0x1000);
        (file[Header + Segment], file[Header + Segment + 1]) = (0x0f, 0x0b);
        return file;
    }

    [GeneratedRegex(@"^BOOTED (.*?)\r?$", RegexOptions.Multiline)]
    internal static partial Regex BootLine();

    [GeneratedRegex(@"^PANIC (.*?)\r?$", RegexOptions.Multiline)]
    private static partial Regex PanicLine();

    [GeneratedRegex(@"Linux version ")]
    internal static partial Regex KernelStart();
}
