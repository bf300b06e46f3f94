using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Application;

/// <summary>
/// Counts directories and what is neither file nor directory below stored trees. Each tree is read once: a hostile plan may name the
/// largest old directory a million times.
/// </summary>
internal sealed class UnlinkedCount(Func<ObjectId, Tree> read)
{
    private readonly Dictionary<ObjectId, long> _known = [];

    /// <summary>The tree itself included.</summary>
    public long Of(ObjectId tree)
    {
        if (_known.TryGetValue(tree, out var known))
            return known;
        long count = 1;
        foreach (var entry in read(tree).Entries)
        {
            count += entry switch
            {
                TreeEntry.Directory directory => Of(directory.Id),
                TreeEntry.File { Size: > 0 } => 0,
                _ => 1,
            };
        }
        return _known[tree] = count;
    }
}
