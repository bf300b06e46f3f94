using ContentTree.Tests.Support;

namespace ContentTree.Tests.EndToEnd;

/// <summary>A test that boots a virtual machine; skipped by name, never silently, where what it needs is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class QemuFactAttribute : FactAttribute
{
    public QemuFactAttribute() => Skip = Need.Skip(Missing);

    internal static string? Missing { get; } =
        Need.Programs("qemu-system-x86, e2fsprogs, busybox-static", "qemu-system-x86_64", "mkfs.ext4", "busybox", "apt-get", "dpkg-deb");
}
