namespace ContentTree.BootFile;

/// <summary>Why a deployment was chosen; in the order they are tried.</summary>
public enum BootReason
{
    /// <summary>A person asked for it on the kernel command line. Never counted, never to be confirmed.</summary>
    Override,

    /// <summary>It is the wanted deployment.</summary>
    Wanted,

    /// <summary>The wanted one is exhausted, missing or cannot be counted.</summary>
    Previous,

    /// <summary>The previous one failed too, and this one is pinned for that case.</summary>
    Recovery,

    /// <summary>The newest of those that have not failed.</summary>
    Newest,
}
