namespace ContentTree.Store.Objects;

/// <summary>What a commit is meant for.</summary>
public enum CommitKind
{
    /// <summary>For the fleet.</summary>
    Release,

    /// <summary>For development units only.</summary>
    Development,
}
