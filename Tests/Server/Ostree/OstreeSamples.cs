using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server.Ostree;

/// <summary>Objects as ostree 2022.7 wrote them.</summary>
internal static class OstreeSamples
{
    /// <summary>Two files, a link and a directory.</summary>
    public static byte[] Directory() => Vectors.Hex("ostree/dirtree.hex");

    public static byte[] Metadata() => Vectors.Hex("ostree/dirmeta.hex");

    /// <summary>Of an archive's file, with two attributes.</summary>
    public static byte[] Header() => Vectors.Hex("ostree/header.hex");

    /// <summary>With a version and a ref binding.</summary>
    public static byte[] Commit() => Vectors.Hex("ostree/commit.hex");

    public static byte[] Summary() => Vectors.Hex("ostree/summary.hex");
}
