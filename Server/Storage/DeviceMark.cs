namespace ContentTree.Server.Storage;

/// <summary>What a list of devices may be narrowed to beside their state.</summary>
internal enum DeviceMark
{
    None,

    /// <summary>Two places use its key.</summary>
    Cloned,

    /// <summary>It has another commit than this server at a number of its branch.</summary>
    Forked,

    /// <summary>Its disk is nearly full.</summary>
    Low,

    /// <summary>Its <c>/etc</c> differs from its tree's.</summary>
    Drifted,
}
