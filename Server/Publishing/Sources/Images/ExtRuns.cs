using System.Buffers.Binary;

namespace ContentTree.Server.Publishing.Sources.Images;

/// <summary>Finds a file's blocks: by extents, or by the pointers of ext2. Each run comes behind the one before, so nothing is read twice.</summary>
internal static class ExtRuns
{
    private const ushort ExtentMagic = 0xf30a;
    private const int ExtentBytes = 12;
    private const int MaxExtentDepth = 5;
    private const int MaxInitialized = 1 << 15;
    private const int DirectPointers = 12;

    /// <exception cref="FormatException">The pointers cannot be.</exception>
    public static IEnumerable<ExtRun> Of(ExtImage image, ExtInode inode) => InOrder(inode.HasExtents ? Extents(image, inode.Pointers, -1) : Pointed(image, inode));

    private static IEnumerable<ExtRun> InOrder(IEnumerable<ExtRun> runs)
    {
        long end = 0;
        foreach (var run in runs)
        {
            if (run.Logical < end || run.Count <= 0)
                throw new FormatException("its blocks are out of order");
            end = run.Logical + run.Count;
            yield return run;
        }
    }

    private static IEnumerable<ExtRun> Extents(ExtImage image, ReadOnlyMemory<byte> node, int expectedDepth)
    {
        var (count, depth) = (Short(node, 2), Short(node, 6));
        if (Short(node, 0) != ExtentMagic || (count + 1) * ExtentBytes > node.Length || depth > MaxExtentDepth || (expectedDepth >= 0 && (depth != expectedDepth || count == 0)))
            throw new FormatException("its extents make no sense");
        for (var at = ExtentBytes; at <= count * ExtentBytes; at += ExtentBytes)
        {
            if (depth > 0)
            {
                var child = image.ReadBlock(Long(node, at + 4) | ((long)Short(node, at + 8) << 32));
                foreach (var run in Extents(image, child, depth - 1))
                    yield return run;
                continue;
            }
            var length = Short(node, at + 4);
            if (length == 0)
                throw new FormatException("its extents make no sense");
            // A longer one is room that was set aside: it reads as zeros.
            if (length <= MaxInitialized)
                yield return new ExtRun(Long(node, at), Long(node, at + 8) | ((long)Short(node, at + 6) << 32), length);
        }
    }

    private static IEnumerable<ExtRun> Pointed(ExtImage image, ExtInode inode)
    {
        for (var i = 0; i < DirectPointers; i++)
        {
            if (Long(inode.Pointers, i * sizeof(uint)) is > 0 and var block)
                yield return new ExtRun(i, block, 1);
        }
        long logical = DirectPointers;
        long covered = 1;
        for (var level = 1; level <= 3; level++)
        {
            covered *= image.BlockSize / sizeof(uint);
            if (Long(inode.Pointers, (DirectPointers + level - 1) * sizeof(uint)) is > 0 and var block)
            {
                foreach (var run in Indirect(image, block, logical, covered, level))
                    yield return run;
            }
            logical += covered;
        }
    }

    private static IEnumerable<ExtRun> Indirect(ExtImage image, long block, long logical, long covered, int level)
    {
        var pointers = image.ReadBlock(block);
        var each = covered / (image.BlockSize / sizeof(uint));
        for (var at = 0; at < pointers.Length; at += sizeof(uint), logical += each)
        {
            if (Long(pointers, at) is not (> 0 and var next))
                continue;
            if (level == 1)
            {
                yield return new ExtRun(logical, next, 1);
                continue;
            }
            foreach (var run in Indirect(image, next, logical, each, level - 1))
                yield return run;
        }
    }

    private static ushort Short(ReadOnlyMemory<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes.Span[at..]);

    private static uint Long(ReadOnlyMemory<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.Span[at..]);
}
