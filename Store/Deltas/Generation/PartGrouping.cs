using ContentTree.Store.Deltas.Plans;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>
/// Puts contents into parts: alike ones together, because what a coder learned from one helps with the next; each part small
/// enough to resume by and to be made beside another.
/// </summary>
internal sealed class PartGrouping(int partBytes)
{
    // A few new files learn more from their neighbours than from a general compressor.
    private const long FewBytes = 256 * 1024;

    // Old bytes on both sides of a slice: code moves as a file grows.
    private const long Margin = 8L * 1024 * 1024;

    // However much longer an old file is: both sides hold its bytes, and an index of them.
    private const long MaxWindow = 40L * 1024 * 1024;

    private readonly List<IReadOnlyList<PartSource>> _parts = [];
    private List<PartSource> _open = [];
    private long _openBytes;

    /// <param name="contents">Whole contents, each with its base.</param>
    public static IReadOnlyList<IReadOnlyList<PartSource>> Group(IReadOnlyList<PartSource> contents, int partBytes)
    {
        var grouping = new PartGrouping(partBytes);
        var alone = contents.Where(c => c.Base is null).Sum(c => c.Length) > FewBytes;
        foreach (var kind in contents.GroupBy(c => alone && c.Base is null).OrderBy(g => g.Key))
        {
            foreach (var content in kind.OrderBy(c => Extension(c.Content.Name), StringComparer.Ordinal)
                .ThenBy(c => c.Content.Directory, StringComparer.Ordinal).ThenBy(c => c.Content.Name, StringComparer.Ordinal))
                grouping.Add(content);
            grouping.Close();
        }
        return grouping._parts;
    }

    private void Add(PartSource content)
    {
        if (content.Length > partBytes + partBytes / 2)
        {
            Close();
            AddSlices(content);
            return;
        }
        if (_openBytes + content.Length > partBytes)
            Close();
        _open.Add(content with { Base = Window(content, 0, content.Length) });
        _openBytes += content.Length;
    }

    private void AddSlices(PartSource content)
    {
        for (long start = 0; start < content.Length; start += partBytes)
        {
            var length = Math.Min(partBytes, content.Length - start);
            _open.Add(content with { Start = start, Length = length, IsSlice = true, Base = Window(content, start, length) });
            Close();
        }
    }

    private static BaseSource? Window(PartSource content, long start, long length)
    {
        if (content.Base is not { } old)
            return null;
        var scaled = (long)((double)start / content.Length * old.Length);
        var from = Math.Max(0, scaled - Margin);
        var to = Math.Min(old.Length, scaled + (long)((double)length / content.Length * old.Length) + Margin);
        to = Math.Min(to, from + MaxWindow);
        return old with { Start = from, Length = to - from, IsRange = from > 0 || to < old.Length };
    }

    private void Close()
    {
        if (_open.Count > 0)
            _parts.Add(_open);
        (_open, _openBytes) = ([], 0);
    }

    private static string Extension(string name)
    {
        var dot = name.LastIndexOf('.');
        return dot <= 0 ? "" : NameFolding.Fold(name[dot..]);
    }
}
