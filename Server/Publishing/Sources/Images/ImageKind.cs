namespace ContentTree.Server.Publishing.Sources.Images;

/// <summary>What an image file begins with.</summary>
internal enum ImageKind
{
    /// <summary>No image that is known.</summary>
    None,

    /// <summary>A squashfs.</summary>
    Squashfs,

    /// <summary>An ext2, ext3 or ext4.</summary>
    Ext,

    /// <summary>A whole disk, with a partition table.</summary>
    Disk,
}
