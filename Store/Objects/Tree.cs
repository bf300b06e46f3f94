using System.Buffers;

namespace ContentTree.Store.Objects;

/// <summary>One directory: its own metadata and its entries in byte order of their names.</summary>
public sealed class Tree
{
    /// <summary>Largest encoding that is read: about half a million entries, and a bound for hostile ones.</summary>
    public const int MaxEncodedBytes = 32 * 1024 * 1024;

    /// <summary>Deepest nesting below a root tree; PATH_MAX allows no more.</summary>
    public const int MaxDepth = 2048;

    /// <summary>Entries of a root tree with everything below it, each place of a shared subtree counted.</summary>
    public const long MaxTotalEntries = 1L << 24;

    /// <summary>Bytes of all files of a root tree, each place counted: 64 TiB.</summary>
    public const long MaxTotalBytes = 1L << 46;

    /// <summary>The one modification time of every path in every deployment, in seconds: never 0, which some programs take for "unset".</summary>
    public const long ModifiedSeconds = 1;

    /// <param name="entries">Sorted by name, each name once.</param>
    /// <exception cref="ArgumentException">The entries are not in order.</exception>
    public Tree(Metadata metadata, IReadOnlyList<TreeEntry> entries)
    {
        for (var i = 1; i < entries.Count; i++)
        {
            if (entries[i - 1].Name >= entries[i].Name)
                throw new ArgumentException($"entries out of order at '{entries[i].Name}'", nameof(entries));
        }
        Metadata = metadata;
        Entries = entries;
    }

    public Metadata Metadata { get; }

    public IReadOnlyList<TreeEntry> Entries { get; }

    /// <summary>The canonical encoding, docs/format/tree.md; its SHA-256 is the tree's id.</summary>
    public byte[] Encode()
    {
        var buffer = new ArrayBufferWriter<byte>(64 + Entries.Count * 64);
        new TreeWriter(buffer).WriteTree(this);
        return buffer.WrittenCount <= MaxEncodedBytes
            ? buffer.WrittenSpan.ToArray()
            : throw new FormatException($"a directory of {Entries.Count} entries is larger than a tree may be");
    }

    /// <exception cref="FormatException">The bytes are not what <see cref="Encode"/> writes for any tree.</exception>
    public static Tree Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxEncodedBytes)
            throw new FormatException("tree is too large");
        var reader = new TreeReader(bytes);
        return reader.ReadTree();
    }

    /// <summary>Decodes a tree whose id is known.</summary>
    /// <exception cref="CorruptObjectException">The bytes have another hash or are no tree.</exception>
    public static Tree Decode(ReadOnlySpan<byte> bytes, ObjectId expected)
    {
        var name = new ObjectName(ObjectKind.Tree, expected);
        if (ObjectId.Of(bytes) != expected)
            throw new CorruptObjectException(name, "its content has another hash");
        try
        {
            return Decode(bytes);
        }
        catch (FormatException e)
        {
            throw new CorruptObjectException(name, e.Message);
        }
    }

    /// <summary>The entry with this name, or null.</summary>
    public TreeEntry? Find(EntryName name)
    {
        int low = 0, high = Entries.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = Entries[middle].Name.CompareTo(name);
            if (order == 0)
                return Entries[middle];
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }
        return null;
    }
}
