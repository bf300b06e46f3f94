namespace ContentTree.BootSelector;

/// <summary>What the running kernel means for a choice.</summary>
internal enum KernelVerdict
{
    /// <summary>It is the tree's own, or nothing better can be had.</summary>
    Boot,

    /// <summary>The loader now points at the tree's own: reboot.</summary>
    Reboot,

    /// <summary>The tree's own cannot be started; another tree is to be chosen.</summary>
    PassOver,
}
