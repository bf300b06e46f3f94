using System.Collections;

namespace ContentTree.Deploy.Transfer;

/// <summary>A set of bytes of a file, kept as few ranges: sorted, apart from each other, never empty.</summary>
internal sealed class RangeSet : IEnumerable<ByteRange>
{
    private readonly List<ByteRange> _ranges = [];

    public RangeSet(IEnumerable<ByteRange> ranges)
    {
        foreach (var range in ranges)
            Add(range);
    }

    public int Count => _ranges.Count;

    /// <summary>Bytes in all ranges.</summary>
    public long Bytes => _ranges.Sum(r => r.Length);

    public void Add(ByteRange range)
    {
        if (range.Length <= 0)
            return;
        var first = _ranges.FindIndex(r => r.To >= range.From);
        if (first < 0)
            first = _ranges.Count;
        var last = first;
        for (; last < _ranges.Count && _ranges[last].From <= range.To; last++)
            range = new ByteRange(Math.Min(range.From, _ranges[last].From), Math.Max(range.To, _ranges[last].To));
        _ranges.RemoveRange(first, last - first);
        _ranges.Insert(first, range);
    }

    public void Remove(ByteRange range)
    {
        if (range.Length <= 0)
            return;
        for (var i = _ranges.Count - 1; i >= 0; i--)
        {
            var old = _ranges[i];
            if (old.To <= range.From || old.From >= range.To)
                continue;
            _ranges.RemoveAt(i);
            if (old.To > range.To)
                _ranges.Insert(i, new ByteRange(range.To, old.To));
            if (old.From < range.From)
                _ranges.Insert(i, new ByteRange(old.From, range.From));
        }
    }

    public void Clear() => _ranges.Clear();

    /// <summary>Whether all bytes of the range are in the set.</summary>
    public bool Contains(ByteRange range) => range.Length <= 0 || _ranges.Any(r => r.From <= range.From && r.To >= range.To);

    /// <summary>The first bytes from <paramref name="from"/> up to <paramref name="end"/> that are not in the set; empty when all are.</summary>
    public ByteRange FirstGap(long from, long end)
    {
        foreach (var range in _ranges)
        {
            if (range.To <= from)
                continue;
            if (range.From > from)
                return new ByteRange(from, Math.Min(range.From, end));
            from = range.To;
        }
        return new ByteRange(Math.Min(from, end), end);
    }

    public IEnumerator<ByteRange> GetEnumerator() => _ranges.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
