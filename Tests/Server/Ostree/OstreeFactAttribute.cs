using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server.Ostree;

/// <summary>A test whose judge is the program ostree, run as root so that owners and privileged attributes count.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OstreeFactAttribute : FactAttribute
{
    public OstreeFactAttribute() => Skip = Need.Skip(Missing);

    internal static string? Missing { get; } = Need.Programs("ostree, attr, acl, libcap2-bin", "ostree", "setfattr", "setfacl", "setcap") ??
        (Environment.UserName == "root" ? null : "needs root, for owners and privileged attributes");
}
