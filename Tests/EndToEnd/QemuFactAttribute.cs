namespace ContentTree.Tests.EndToEnd;

/// <summary>A test that boots a virtual machine; skipped by name, never silently, where what it needs is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class QemuFactAttribute : FactAttribute
{
    private static readonly string[] Needed = ["qemu-system-x86_64", "mkfs.ext4", "busybox", "apt-get", "dpkg-deb"];

    public QemuFactAttribute()
    {
        var missing = Needed.Where(program => !Programs.Has(program)).ToArray();
        if (missing.Length > 0)
            Skip = "needs " + string.Join(", ", missing) + " (Debian packages qemu-system-x86, e2fsprogs, busybox-static)";
    }
}
