using ContentTree.Tests.Support;

namespace ContentTree.Tests.EndToEnd;

/// <summary>A test that boots a whole Debian in a virtual machine; skipped by name where it cannot be made.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class DebianFactAttribute : FactAttribute
{
    public DebianFactAttribute() => Skip = Need.Skip(Missing);

    internal static string? Missing { get; } =
        Need.Programs("qemu-system-x86, e2fsprogs, mmdebstrap", "qemu-system-x86_64", "mkfs.ext4", "mmdebstrap") ??
        (Environment.UserName == "root" ? null : "needs root, to make a root file system");
}
