using ContentTree.Tests.Support;

namespace ContentTree.Tests.EndToEnd;

/// <summary>A test that boots a virtual machine with a boot loader, from a disk that is mounted here in between.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LoaderBootFactAttribute : FactAttribute
{
    /// <param name="packages">The Debian packages that have the loader.</param>
    public LoaderBootFactAttribute(string packages, params string[] programs) => Skip = Need.Skip(
        QemuFactAttribute.Missing ??
        Need.Programs(packages, programs) ??
        (Environment.UserName == "root" ? null : "needs root, to mount the device's disk"));
}
