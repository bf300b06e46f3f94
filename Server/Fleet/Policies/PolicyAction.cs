namespace ContentTree.Server.Fleet.Policies;

/// <summary>What a policy says.</summary>
internal enum PolicyAction
{
    /// <summary>The branch's head, whatever wider policies say.</summary>
    Follow,

    /// <summary>This commit.</summary>
    Pin,

    /// <summary>The branch's head, but not past this commit.</summary>
    Ceiling,

    /// <summary>What it runs.</summary>
    Hold,
}
