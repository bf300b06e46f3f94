using ContentTree.Tests.Support;

namespace ContentTree.Tests.EndToEnd;

/// <summary>A test that boots a virtual machine with GRUB from a disk that is mounted here in between.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class GrubFactAttribute : FactAttribute
{
    public GrubFactAttribute() => Skip = Need.Skip(
        QemuFactAttribute.Missing ??
        Need.Programs("grub-common", "grub-mkimage") ??
        (File.Exists("/usr/lib/grub/i386-pc/boot.img") ? null : "needs GRUB for PCs (Debian package grub-pc-bin)") ??
        (Environment.UserName == "root" ? null : "needs root, to mount the device's disk"));
}
