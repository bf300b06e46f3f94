namespace ContentTree.Server.Client;

/// <summary>How much of a commit is needed.</summary>
internal enum Reach
{
    /// <summary>What it says.</summary>
    Commit,

    /// <summary>Also all its trees.</summary>
    Trees,

    /// <summary>Also all its files, and what proves a composed one.</summary>
    Everything,
}
