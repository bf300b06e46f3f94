using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

/// <summary>An object id as its 64 digits.</summary>
public sealed class ObjectIdConverter : TextConverter<ObjectId>
{
    protected override bool TryParse(string text, out ObjectId value) => ObjectId.TryParse(text, out value);
}

/// <summary>An object name as <c>(64 hex).kind</c>.</summary>
public sealed class ObjectNameConverter : TextConverter<ObjectName>
{
    protected override bool TryParse(string text, out ObjectName value) => ObjectName.TryParse(text, out value);
}

/// <summary>A branch as its name.</summary>
public sealed class BranchNameConverter : TextConverter<BranchName>
{
    protected override bool TryParse(string text, out BranchName value) => BranchName.TryParse(text, out value);
}

/// <summary>A key id as its 16 digits.</summary>
public sealed class KeyIdConverter : TextConverter<KeyId>
{
    protected override bool TryParse(string text, out KeyId value) => KeyId.TryParse(text, out value);
}

/// <summary>A key of the configuration as its name.</summary>
public sealed class ConfigurationKeyConverter : TextConverter<ConfigurationKey>
{
    protected override bool TryParse(string text, out ConfigurationKey value) => ConfigurationKey.TryParse(text, out value);
}
