namespace ContentTree.Store.Trust;

/// <summary>What a device is told to do other than to follow its branch.</summary>
public enum AssignmentAction
{
    /// <summary>Nothing: an earlier assignment is over.</summary>
    Follow,

    /// <summary>No update at all.</summary>
    Hold,

    /// <summary>One commit that a head of its branch has named.</summary>
    Pin,
}
