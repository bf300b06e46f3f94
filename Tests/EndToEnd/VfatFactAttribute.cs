namespace ContentTree.Tests.EndToEnd;

/// <summary>A <see cref="QemuFactAttribute"/> test that also makes a FAT disk.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class VfatFactAttribute : FactAttribute
{
    public VfatFactAttribute()
    {
        if (!Programs.Has("mkfs.vfat") || !Programs.Has("mcopy"))
            Skip = "needs mkfs.vfat and mcopy (Debian packages dosfstools, mtools)";
        else
            Skip = new QemuFactAttribute().Skip;
    }
}
