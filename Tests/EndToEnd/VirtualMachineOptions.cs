namespace ContentTree.Tests.EndToEnd;

/// <summary>What a virtual machine starts with.</summary>
internal sealed record VirtualMachineOptions
{
    /// <summary>Null: the firmware starts the boot loader of the first disk.</summary>
    public string? Kernel { get; init; }

    public string? Initramfs { get; init; }

    /// <summary>The image of its first disk, a raw file; what the machine writes stays in it.</summary>
    public required string Disk { get; init; }

    /// <summary>Every write and flush of the first disk is recorded in this file, in order; null where nobody asks.</summary>
    public string? WriteLog { get; init; }

    /// <summary>A second disk, or null.</summary>
    public string? SecondDisk { get; init; }

    /// <summary>The firmware is UEFI instead of a PC's BIOS.</summary>
    public bool IsUefi { get; init; }

    /// <summary>Added to what every test machine has: the console, and a reboot after a panic.</summary>
    public string CommandLine { get; init; } = "";

    /// <summary>A kernel that panics reboots at once; else it does what the kernel does by itself, which is to wait for ever.</summary>
    public bool RebootsOnPanic { get; init; } = true;

    public int MemoryMegabytes { get; init; } = 256;

    /// <summary>A network of its own in which the host is 10.0.2.2.</summary>
    public bool Network { get; init; }
}
