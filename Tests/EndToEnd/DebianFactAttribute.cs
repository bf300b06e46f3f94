namespace ContentTree.Tests.EndToEnd;

/// <summary>A test that boots a whole Debian in a virtual machine; skipped by name where it cannot be made.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class DebianFactAttribute : FactAttribute
{
    private static readonly string[] Needed = ["qemu-system-x86_64", "mkfs.ext4", "mmdebstrap"];

    public DebianFactAttribute()
    {
        var missing = Needed.Where(program => !Programs.Has(program)).ToArray();
        if (missing.Length > 0)
            Skip = "needs " + string.Join(", ", missing) + " (Debian packages qemu-system-x86, e2fsprogs, mmdebstrap)";
        else if (Environment.UserName != "root")
            Skip = "needs root, to make a root file system";
    }
}
