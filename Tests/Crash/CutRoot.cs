namespace ContentTree.Tests.Crash;

/// <summary>What a device's disk is made of.</summary>
internal enum CutRoot
{
    /// <summary>Everything on ext4.</summary>
    Ext4,

    /// <summary>The boot file on FAT, the rest on ext4.</summary>
    Ext4WithFat,

    /// <summary>Everything on f2fs, which only a virtual machine may be able to mount.</summary>
    F2fs,
}
