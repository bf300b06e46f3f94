namespace ContentTree.Store.Trust;

/// <summary>How a head stands to the newest one seen before.</summary>
public enum HeadOrder
{
    /// <summary>Higher sequence, or none seen yet.</summary>
    Newer,

    /// <summary>Same sequence and commit; its signatures or expiry may have been renewed.</summary>
    Same,

    /// <summary>Lower sequence: a replay.</summary>
    Older,

    /// <summary>Same sequence, other commit: two heads claim one position.</summary>
    Conflict,
}
