namespace ContentTree.Server.Publishing.Sources.Images;

/// <summary>Squashfs images are read by squashfs-tools-ng, which makes tar archives of them.</summary>
internal static class SquashfsImage
{
    /// <summary>With the root's own metadata, and never in part.</summary>
    public static readonly Decompressor Reader = new("sqfs2tar", ["--root-becomes", ".", "--no-skip"]);
}
