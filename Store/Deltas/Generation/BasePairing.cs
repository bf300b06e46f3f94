using ContentTree.Store.Deltas.Plans;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>
/// Finds the old file that a new content is most likely made from: the same path, else the exact name in the closest directory, else
/// the name without its numbers. Folding numbers first would pair ath5k with ath11k.
/// </summary>
internal sealed class BasePairing
{
    // More of the same name are "index.js" all over; the nearest in size are enough.
    private const int MaxCandidates = 256;

    private readonly OldIndex _old;
    private readonly ILookup<string, OldFile> _byName;
    private readonly ILookup<string, OldFile> _byFoldedName;

    public BasePairing(OldIndex old)
    {
        _old = old;
        _byName = old.Files.ToLookup(f => f.Name, StringComparer.Ordinal);
        _byFoldedName = old.Files.ToLookup(f => NameFolding.Fold(f.Name), StringComparer.Ordinal);
    }

    /// <summary>The base, and whether it is the content's counterpart; null when nothing has such a name.</summary>
    public (OldFile File, bool IsCounterpart)? Find(NewContent content)
    {
        if (content.Counterpart is { Size: > 0 } counterpart)
            return (_old.FindFile(counterpart.Id)!, true);
        var file = Nearest(content, _byName[content.Name]) ?? Nearest(content, _byFoldedName[NameFolding.Fold(content.Name)]);
        return file is null ? null : (file, false);
    }

    private static OldFile? Nearest(NewContent content, IEnumerable<OldFile> candidates)
    {
        var directory = Components(content.Directory);
        return candidates
            .OrderBy(f => Math.Abs(f.Entry.Size - content.Size)).Take(MaxCandidates)
            .OrderByDescending(f => Closeness(directory, Components(f.Directory.Path)))
            .ThenBy(f => Math.Abs(f.Entry.Size - content.Size))
            .FirstOrDefault();
    }

    private static string[] Components(string directory) => directory.Split('/', StringSplitOptions.RemoveEmptyEntries);

    // Equal components count twice, those that differ in numbers only once, from both ends.
    private static int Closeness(string[] a, string[] b)
    {
        var closeness = 0;
        var shorter = Math.Min(a.Length, b.Length);
        for (var i = 0; i < shorter; i++)
            closeness += Likeness(a[i], b[i]) + Likeness(a[^(i + 1)], b[^(i + 1)]);
        return closeness;
    }

    private static int Likeness(string a, string b) => a == b ? 2 : NameFolding.Fold(a) == NameFolding.Fold(b) ? 1 : 0;
}
