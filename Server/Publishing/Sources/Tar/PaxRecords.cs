using System.Globalization;
using System.Text;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Publishing.Sources.Tar;

/// <summary>What POSIX.1-2001 extended headers say of the members behind them. Values are bytes: GNU tar writes names as they are.</summary>
internal sealed class PaxRecords
{
    private const string SchilyXattr = "SCHILY.xattr.";
    private const string LibarchiveXattr = "LIBARCHIVE.xattr.";

    // Of all headers that speak of one member; a header itself is no longer.
    private const int MaxBytes = 2 << 20;

    private readonly List<(string Key, byte[] Value)> _records = [];
    private int _bytes;

    public byte[]? Path => Find("GNU.sparse.name") ?? Find("path");

    public byte[]? Target => Find("linkpath");

    public long? Size => Number("size");

    public long? Uid => Number("uid");

    public long? Gid => Number("gid");

    /// <summary>The size with holes; null for a file without them.</summary>
    public long? RealSize => Number("GNU.sparse.realsize") ?? Number("GNU.sparse.size");

    /// <summary>The pieces stand before the content (format 1.0).</summary>
    public bool HasSparseMapInContent => Number("GNU.sparse.major") == 1;

    /// <summary>"length key=value\n", again and again.</summary>
    /// <exception cref="FormatException">It is not that.</exception>
    public void Add(ReadOnlySpan<byte> block)
    {
        if ((_bytes += block.Length) > MaxBytes)
            throw new FormatException($"has extended headers of more than {MaxBytes} bytes");
        while (!block.IsEmpty)
        {
            var space = block.IndexOf((byte)' ');
            if (space <= 0 || !int.TryParse(block[..space], NumberStyles.None, CultureInfo.InvariantCulture, out var length) ||
                length <= space + 1 || length > block.Length || block[length - 1] != '\n')
                throw new FormatException("has an extended header that is none");
            var record = block[(space + 1)..(length - 1)];
            var equals = record.IndexOf((byte)'=');
            if (equals <= 0)
                throw new FormatException("has an extended header without a key");
            _records.Add((Encoding.UTF8.GetString(record[..equals]), record[(equals + 1)..].ToArray()));
            block = block[length..];
        }
    }

    /// <summary>These first, then the others, which win.</summary>
    public PaxRecords With(PaxRecords others)
    {
        var both = new PaxRecords();
        var newer = others._records.Select(r => r.Key).ToHashSet(StringComparer.Ordinal);
        both._records.AddRange(_records.Where(r => !newer.Contains(r.Key)));
        both._records.AddRange(others._records);
        both._bytes = both._records.Sum(r => r.Key.Length + r.Value.Length);
        return both._bytes <= MaxBytes ? both : throw new FormatException($"has extended headers of more than {MaxBytes} bytes");
    }

    /// <summary>The pieces of a sparse file in formats 0.0 and 0.1; null when there are none.</summary>
    /// <exception cref="FormatException">They make no sense.</exception>
    public List<(long Offset, long Length)>? SparsePieces()
    {
        if (Find("GNU.sparse.map") is { } map)
            return Pairs([.. Encoding.ASCII.GetString(map).Split(',', StringSplitOptions.RemoveEmptyEntries).Select(n => Number(Encoding.ASCII.GetBytes(n)))]);
        var numbers = _records.Where(r => r.Key is "GNU.sparse.offset" or "GNU.sparse.numbytes").Select(r => Number(r.Value)).ToArray();
        return numbers.Length > 0 ? Pairs(numbers) : null;
    }

    /// <summary>Sorted by name.</summary>
    public IReadOnlyList<Xattr> Xattrs()
    {
        var found = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var (key, value) in _records)
        {
            if (key == "SCHILY.acl.access")
            {
                // A list of owner, group and others says what the mode says, and no kernel keeps it.
                if (AccessList.Encode(value) is { Length: > AccessList.BaseLength } list)
                    found["system.posix_acl_access"] = list;
            }
            else if (key == "SCHILY.acl.default")
                found["system.posix_acl_default"] = AccessList.Encode(value);
            else if (key.StartsWith(SchilyXattr, StringComparison.Ordinal))
                found[key[SchilyXattr.Length..]] = value;
            else if (key.StartsWith(LibarchiveXattr, StringComparison.Ordinal))
                found[Uri.UnescapeDataString(key[LibarchiveXattr.Length..])] = Convert.FromBase64String(Padded(Encoding.ASCII.GetString(value)));
        }
        return [.. found.Select(x => new Xattr(Encoding.UTF8.GetBytes(x.Key), x.Value)).OrderBy(x => x.Name, ByteOrder)];
    }

    private static IComparer<byte[]> ByteOrder { get; } = Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b));

    // libarchive leaves the padding away.
    private static string Padded(string base64) => base64.PadRight((base64.Length + 3) / 4 * 4, '=');

    private static List<(long, long)> Pairs(long[] numbers) => numbers.Length % 2 == 0
        ? [.. numbers.Chunk(2).Select(pair => (pair[0], pair[1]))]
        : throw new FormatException("has a map of a sparse file that is none");

    private byte[]? Find(string key) => _records.FindLast(r => r.Key == key).Value;

    private long? Number(string key) => Find(key) is { } value ? Number(value) : null;

    private static long Number(byte[] value) => long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        ? number
        : throw new FormatException("has a number that is none in its extended header");
}
