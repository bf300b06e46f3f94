using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Setup;

/// <summary>What <c>init</c> was told.</summary>
internal sealed record DeviceValues(Uri Server, BranchName Branch, string Hardware, bool Unprivileged, string? Token, bool AllowHttp)
{
    public string Address => Server.AbsoluteUri.TrimEnd('/');
}
