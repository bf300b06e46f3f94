using ContentTree.Tests.Support;

namespace ContentTree.Tests.EndToEnd;

/// <summary>A <see cref="QemuFactAttribute"/> test that also makes a FAT disk.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class VfatFactAttribute : FactAttribute
{
    public VfatFactAttribute() => Skip = Need.Skip(Need.Programs("dosfstools, mtools", "mkfs.vfat", "mcopy") ?? QemuFactAttribute.Missing);
}
