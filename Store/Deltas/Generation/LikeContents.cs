using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>
/// Finds the old file whose content is most like a new one of about its size, whatever its name. Only files that are gone are looked at:
/// what was moved and changed is among them, and a system has few of them.
/// </summary>
internal sealed class LikeContents
{
    // A smaller one costs about as much as it could save; a larger one takes a second to read.
    private const long MinSize = 1024, MaxSize = 256L * 1024 * 1024;

    // One of sixteen hashes: less is what any two programs have in common.
    private const int LeastCommon = ContentSketch.Size / 16;

    // The largest of them, so that a tree that moved as a whole costs no more than some megabytes.
    private const int MaxGone = 4096;

    // What more files have is in no file for a reason.
    private const int MaxSharing = 16;

    private readonly SourceContents _contents;
    private readonly CancellationToken _cancellation;
    private readonly Lazy<(OldFile[] Files, (ulong Hash, int File)[] Hashes)> _gone;

    /// <param name="gone">Files of the old commit that the new one has not got.</param>
    public LikeContents(SourceContents contents, IEnumerable<OldFile> gone, CancellationToken cancellation)
    {
        (_contents, _cancellation) = (contents, cancellation);
        _gone = new(() => Index(gone));
    }

    /// <summary>Null when nothing is like it.</summary>
    public OldFile? Find(NewContent content)
    {
        if (content.Size is < MinSize or > MaxSize || _gone.Value.Hashes.Length == 0)
            return null;
        var (files, hashes) = _gone.Value;
        var best = HashesOf(content.Id, content.Size)
            .SelectMany(hash => Sharing(hashes, hash))
            .CountBy(file => file).OrderByDescending(found => found.Value).ThenBy(found => found.Key).FirstOrDefault();
        return best.Value >= LeastCommon ? files[best.Key] : null;
    }

    private static IEnumerable<int> Sharing((ulong Hash, int File)[] hashes, ulong hash)
    {
        // Nothing is at the place of the smallest entry with this hash, so the search ends where it would stand.
        var first = ~Array.BinarySearch(hashes, (hash, -1));
        var sharing = hashes.Skip(first).Take(MaxSharing + 1).TakeWhile(entry => entry.Hash == hash).Select(entry => entry.File).ToArray();
        return sharing.Length <= MaxSharing ? sharing : [];
    }

    private (OldFile[] Files, (ulong Hash, int File)[] Hashes) Index(IEnumerable<OldFile> gone)
    {
        var files = gone.Where(file => file.Entry.Size is >= MinSize and <= MaxSize)
            .OrderByDescending(file => file.Entry.Size).ThenBy(file => file.Entry.Id).Take(MaxGone).ToArray();
        var hashes = files.SelectMany((file, number) => OldHashesOf(file.Entry).Select(hash => (hash, number))).ToArray();
        Array.Sort(hashes);
        return (files, hashes);
    }

    // An old object that is damaged is no base, and nobody asked for it.
    private IReadOnlyCollection<ulong> OldHashesOf(TreeEntry.File file)
    {
        try
        {
            return HashesOf(file.Id, file.Size);
        }
        catch (Exception e) when (e is CorruptObjectException or ObjectNotFoundException)
        {
            return [];
        }
    }

    private IReadOnlyCollection<ulong> HashesOf(ObjectId id, long size)
    {
        _cancellation.ThrowIfCancellationRequested();
        var sketch = new ContentSketch();
        _contents.Read(id, size, sketch.Append);
        return sketch.Hashes;
    }
}
