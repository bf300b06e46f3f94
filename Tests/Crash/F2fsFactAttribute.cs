using ContentTree.Tests.EndToEnd;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>A test whose virtual machines have their disks on f2fs.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class F2fsFactAttribute : FactAttribute
{
    public F2fsFactAttribute() => Skip = Need.Skip(
        QemuFactAttribute.Missing ?? Need.Programs("dosfstools, mtools, f2fs-tools", "mkfs.vfat", "mcopy", "mkfs.f2fs", "fsck.f2fs"));
}
