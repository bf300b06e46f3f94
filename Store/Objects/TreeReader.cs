namespace ContentTree.Store.Objects;

/// <summary>Reads the tree format and refuses whatever <see cref="TreeWriter"/> would not have written.</summary>
internal ref struct TreeReader(ReadOnlySpan<byte> bytes)
{
    private const int MaxXattrs = 64;

    // chown(2) takes the largest number for "leave it".
    private const uint MaxOwner = uint.MaxValue - 1;

    // The shortest entry: one name byte with its length, the kind, and a FIFO's four metadata numbers.
    private const int MinEntryBytes = 7;

    private ReadOnlySpan<byte> _rest = bytes;

    // Neighbours mostly have the same owner and mode: one object for them all, and one digest.
    private ReadOnlySpan<byte> _lastEncoded;
    private Metadata? _last;

    public Tree ReadTree()
    {
        if (!Take(TreeWriter.Magic.Length).SequenceEqual(TreeWriter.Magic))
            throw new FormatException("not a tree: wrong magic");
        var metadata = ReadMetadata();
        var count = ReadNumber((ulong)(_rest.Length / MinEntryBytes), "entry count");
        var entries = new List<TreeEntry>((int)count);
        for (ulong i = 0; i < count; i++)
        {
            var entry = ReadEntry();
            if (entries.Count > 0 && entries[^1].Name >= entry.Name)
                throw new FormatException($"entry '{entry.Name}' is out of order or there twice");
            entries.Add(entry);
        }
        if (!_rest.IsEmpty)
            throw new FormatException("bytes after the last entry");
        return new Tree(metadata, entries);
    }

    /// <summary>Bytes not read yet.</summary>
    public readonly int Remaining => _rest.Length;

    public EntryName ReadName()
    {
        var bytes = Take(Take(1)[0]);
        return EntryName.TryCreate(bytes, out var valid) ? valid : throw new FormatException($"'{Posix.Display(bytes)}' is not a file name");
    }

    private TreeEntry ReadEntry()
    {
        var name = ReadName();
        var kind = Take(1)[0];
        return kind switch
        {
            TreeWriter.FileKind => ReadFile(name),
            TreeWriter.DirectoryKind => new TreeEntry.Directory(name, ReadId()),
            _ => ReadPlain(name, kind),
        };
    }

    /// <summary>An entry that refers to no object: what is neither a file nor a directory.</summary>
    public TreeEntry ReadPlain(EntryName name, byte kind)
    {
        return kind switch
        {
            TreeWriter.SymlinkKind => new TreeEntry.Symlink(name, ReadOwnerAndXattrs(0), ReadTarget(name)),
            TreeWriter.CharacterDeviceKind or TreeWriter.BlockDeviceKind => new TreeEntry.Device(
                name, ReadMetadata(), kind == TreeWriter.BlockDeviceKind,
                (uint)ReadNumber(uint.MaxValue, "device major"), (uint)ReadNumber(uint.MaxValue, "device minor")),
            TreeWriter.FifoKind => new TreeEntry.Fifo(name, ReadMetadata()),
            _ => throw new FormatException($"entry '{name}' has unknown kind {kind}"),
        };
    }

    private TreeEntry.File ReadFile(EntryName name)
    {
        var metadata = ReadMetadata();
        var size = (long)ReadNumber(long.MaxValue, "file size");
        return new TreeEntry.File(name, metadata, size, ReadId());
    }

    private byte[] ReadTarget(EntryName name)
    {
        var target = ReadBytes(1, TreeEntry.Symlink.MaxTarget, "symlink target");
        return target.Contains((byte)0) ? throw new FormatException($"symlink '{name}' has a NUL in its target") : target.ToArray();
    }

    public Metadata ReadMetadata()
    {
        if (_last is not null && _rest.StartsWith(_lastEncoded))
        {
            _rest = _rest[_lastEncoded.Length..];
            return _last;
        }
        var start = _rest;
        _last = ReadOwnerAndXattrs((int)ReadNumber(Metadata.MaxMode, "mode"));
        _lastEncoded = start[..^_rest.Length];
        return _last;
    }

    private Metadata ReadOwnerAndXattrs(int mode)
    {
        var uid = (uint)ReadNumber(MaxOwner, "uid");
        var gid = (uint)ReadNumber(MaxOwner, "gid");
        var count = (int)ReadNumber(MaxXattrs, "xattr count");
        return count == 0 ? new Metadata(mode, uid, gid, []) : new Metadata(mode, uid, gid, ReadXattrs(count));
    }

    private List<Xattr> ReadXattrs(int count)
    {
        var xattrs = new List<Xattr>(count);
        var total = 0;
        for (var i = 0; i < count; i++)
        {
            var name = ReadBytes(1, EntryName.MaxLength, "xattr name").ToArray();
            var value = ReadBytes(0, Metadata.MaxXattrBytes, "xattr value").ToArray();
            if (name.Contains((byte)0) || (i > 0 && xattrs[^1].Name.AsSpan().SequenceCompareTo(name) >= 0))
                throw new FormatException("xattr names are not sorted or not names");
            if (!Xattr.BelongsToTree(name))
                throw new FormatException($"xattr '{Posix.Display(name)}' belongs to no tree");
            total += name.Length + value.Length;
            xattrs.Add(new Xattr(name, value));
        }
        return total <= Metadata.MaxXattrBytes ? xattrs : throw new FormatException("xattrs are too large");
    }

    public ReadOnlySpan<byte> ReadBytes(int min, int max, string what)
    {
        var length = (int)ReadNumber((ulong)max, what + " length");
        return length >= min ? Take(length) : throw new FormatException($"{what} is too short");
    }

    private ObjectId ReadId() => new(Take(ObjectId.Size));

    public ulong ReadNumber(ulong max, string what)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = Take(1)[0];
            if (shift == 63 && next > 1)
                throw new FormatException($"{what} is not a number");
            value |= (ulong)(next & 0x7f) << shift;
            if (next >= 0x80)
                continue;
            // A zero last byte is a longer spelling of the same number.
            if (next == 0 && shift > 0)
                throw new FormatException($"{what} is not written in the shortest way");
            return value <= max ? value : throw new FormatException($"{what} is out of range");
        }
    }

    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
            throw new FormatException("ends too early");
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}
