using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

internal sealed class ObjectIdConverter : TextConverter<ObjectId>
{
    private protected override bool TryParse(string text, out ObjectId value) => ObjectId.TryParse(text, out value);
}

internal sealed class ObjectNameConverter : TextConverter<ObjectName>
{
    private protected override bool TryParse(string text, out ObjectName value) => ObjectName.TryParse(text, out value);
}

internal sealed class BranchNameConverter : TextConverter<BranchName>
{
    private protected override bool TryParse(string text, out BranchName value) => BranchName.TryParse(text, out value);
}

internal sealed class KeyIdConverter : TextConverter<KeyId>
{
    private protected override bool TryParse(string text, out KeyId value) => KeyId.TryParse(text, out value);
}
