using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>A test that makes images with every kind of entry in them.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ImageFactAttribute : FactAttribute
{
    public ImageFactAttribute() => Skip = Need.Skip(Missing);

    internal static string? Missing { get; } =
        Need.Programs("e2fsprogs, squashfs-tools, squashfs-tools-ng, attr, acl, libcap2-bin", "mkfs.ext4", "debugfs", "mksquashfs", "sqfs2tar", "setfattr", "setfacl", "setcap") ??
        (Environment.UserName == "root" ? null : "needs root, for owners, device nodes and privileged attributes");
}
