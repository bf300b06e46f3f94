namespace ContentTree.Deploy.Transfer;

/// <summary>
/// The collector of a small board. What a step has left behind is needed for the next one; left alone the collector would wait for
/// tens of megabytes, and keep them.
/// </summary>
internal static class Heap
{
    /// <summary>Gives back what is not needed any more. For the end of a step: it takes some milliseconds.</summary>
    public static void Tidy() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
}
