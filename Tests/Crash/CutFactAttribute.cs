using ContentTree.Store;
using ContentTree.Tests.EndToEnd;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>A test that records a virtual machine's disk and mounts what a power cut may have left of it.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CutFactAttribute : FactAttribute
{
    public CutFactAttribute() => Skip = Need.Skip(
        QemuFactAttribute.Missing ?? Need.Programs("dosfstools, mtools, util-linux", "mkfs.vfat", "mcopy", "losetup") ??
        (Posix.IsRoot ? null : "needs root, to mount images"));
}
