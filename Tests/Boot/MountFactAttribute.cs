using System.Diagnostics;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Boot;

/// <summary>A test that mounts in a namespace of its own; skipped by name where that is not allowed.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MountFactAttribute : FactAttribute
{
    private static readonly bool Allowed = Try();

    public MountFactAttribute() : this("")
    {
    }

    /// <param name="packages">The Debian packages that have the programs.</param>
    public MountFactAttribute(string packages, params string[] programs) =>
        Skip = Need.Skip(Allowed ? Need.Programs(packages, programs) : "needs the right to mount (root and CAP_SYS_ADMIN)");

    private static bool Try()
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/run"]) { RedirectStandardError = true });
            process?.WaitForExit();
            return process?.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
