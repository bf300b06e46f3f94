using System.Collections;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Repositories;

/// <summary>The objects of a repository at one moment, each with a mark: 33 bytes an object.</summary>
internal sealed class ObjectMarks
{
    private const int EntryBytes = ObjectId.Size + 1;

    private readonly byte[][] _entries = new byte[256][];
    private readonly BitArray[] _marks = new BitArray[256];

    public ObjectMarks(Repository repository)
    {
        for (var first = 0; first < _entries.Length; first++)
        {
            var names = repository.List((byte)first);
            var entries = new byte[names.Count * EntryBytes];
            for (var i = 0; i < names.Count; i++)
                Encode(names[i], entries.AsSpan(i * EntryBytes, EntryBytes));
            _entries[first] = entries;
            _marks[first] = new BitArray(names.Count);
        }
    }

    /// <summary>Marks an object; null when it is not there, else whether it had no mark before.</summary>
    public bool? TryMark(ObjectName name)
    {
        Span<byte> wanted = stackalloc byte[EntryBytes];
        Encode(name, wanted);
        var (entries, marks) = (_entries[wanted[0]], _marks[wanted[0]]);
        var (low, high) = (0, marks.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = entries.AsSpan(middle * EntryBytes, EntryBytes).SequenceCompareTo(wanted);
            if (order < 0)
                low = middle + 1;
            else if (order > 0)
                high = middle - 1;
            else if (marks[middle])
                return false;
            else
                return marks[middle] = true;
        }
        return null;
    }

    /// <summary>The objects without a mark whose ids begin with this byte.</summary>
    public IEnumerable<ObjectName> Unmarked(byte first)
    {
        for (var i = 0; i < _marks[first].Length; i++)
        {
            if (!_marks[first][i])
                yield return Decode(_entries[first].AsSpan(i * EntryBytes, EntryBytes));
        }
    }

    /// <summary>How many there are.</summary>
    public long Count => _marks.Sum(m => (long)m.Length);

    private static void Encode(ObjectName name, Span<byte> entry)
    {
        name.Id.CopyTo(entry);
        entry[ObjectId.Size] = (byte)name.Kind;
    }

    private static ObjectName Decode(ReadOnlySpan<byte> entry) => new((ObjectKind)entry[ObjectId.Size], new ObjectId(entry[..ObjectId.Size]));
}
