using ContentTree.BootFile;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.State;

/// <summary>A deployment as its name.</summary>
internal sealed class DeploymentNameText : TextConverter<DeploymentName>
{
    protected override bool TryParse(string text, out DeploymentName value) => DeploymentName.TryParse(text, out value);
}
