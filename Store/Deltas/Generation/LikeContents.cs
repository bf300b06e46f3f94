using ContentTree.Store.Deltas.Plans;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>
/// Finds the old file whose content is most like a new one, whatever its name. Only files that are gone are looked at: what was moved
/// and changed is among them, and a system has few of them.
/// </summary>
internal sealed class LikeContents
{
    // A smaller one costs about as much as it could save.
    private const long MinSize = 1024;

    // One stretch of 16 bytes in sixteen: less is what any two programs have in common.
    private const int LeastCommon = ContentSketch.Size / 16;

    private readonly SourceContents _contents;
    private readonly Lazy<ILookup<ulong, OldFile>> _byHash;

    /// <param name="gone">Files of the old commit that the new one has not got.</param>
    public LikeContents(SourceContents contents, IEnumerable<OldFile> gone)
    {
        _contents = contents;
        _byHash = new Lazy<ILookup<ulong, OldFile>>(() => gone
            .Where(file => file.Entry.Size >= MinSize)
            .SelectMany(file => HashesOf(file.Entry.Id, file.Entry.Size), (file, hash) => (file, hash))
            .ToLookup(pair => pair.hash, pair => pair.file));
    }

    /// <summary>Null when nothing is like it.</summary>
    public OldFile? Find(NewContent content)
    {
        if (content.Size < MinSize)
            return null;
        var best = HashesOf(content.Id, content.Size).SelectMany(hash => _byHash.Value[hash])
            .CountBy(file => file).OrderByDescending(found => found.Value).ThenBy(found => found.Key.Entry.Id).FirstOrDefault();
        return best.Value >= LeastCommon ? best.Key : null;
    }

    private IReadOnlyCollection<ulong> HashesOf(Objects.ObjectId id, long size)
    {
        var sketch = new ContentSketch();
        _contents.Read(id, size, sketch.Append);
        return sketch.Hashes;
    }
}
