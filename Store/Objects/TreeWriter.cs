using System.Buffers;
using System.Diagnostics;

namespace ContentTree.Store.Objects;

/// <summary>Writes the tree format; <see cref="TreeReader"/> reads it back. The layout is drawn in docs/format/tree.md.</summary>
internal readonly ref struct TreeWriter(IBufferWriter<byte> output)
{
    public static ReadOnlySpan<byte> Magic => "CTT1"u8;

    public const byte FileKind = 1;
    public const byte SymlinkKind = 2;
    public const byte DirectoryKind = 3;
    public const byte CharacterDeviceKind = 4;
    public const byte BlockDeviceKind = 5;
    public const byte FifoKind = 6;

    private readonly IBufferWriter<byte> _output = output;

    public void WriteTree(Tree tree)
    {
        _output.Write(Magic);
        WriteMetadata(tree.Metadata);
        WriteNumber((ulong)tree.Entries.Count);
        foreach (var entry in tree.Entries)
            WriteEntry(entry);
    }

    public void WriteMetadata(Metadata metadata)
    {
        WriteNumber((ulong)metadata.Mode);
        WriteOwnerAndXattrs(metadata);
    }

    public void WriteName(EntryName name)
    {
        WriteByte((byte)name.Bytes.Length);
        _output.Write(name.Bytes);
    }

    private void WriteEntry(TreeEntry entry)
    {
        WriteName(entry.Name);
        switch (entry)
        {
            case TreeEntry.File file:
                WriteByte(FileKind);
                WriteMetadata(file.Metadata);
                WriteNumber((ulong)file.Size);
                WriteId(file.Id);
                break;
            case TreeEntry.Directory directory:
                WriteByte(DirectoryKind);
                WriteId(directory.Id);
                break;
            default:
                WritePlain(entry);
                break;
        }
    }

    /// <summary>The kind and the rest of an entry that refers to no object: what is neither a file nor a directory.</summary>
    public void WritePlain(TreeEntry entry)
    {
        switch (entry)
        {
            case TreeEntry.Symlink symlink:
                WriteByte(SymlinkKind);
                WriteOwnerAndXattrs(symlink.Metadata);
                WriteBytes(symlink.Target);
                break;
            case TreeEntry.Device device:
                WriteByte(device.IsBlock ? BlockDeviceKind : CharacterDeviceKind);
                WriteMetadata(device.Metadata);
                WriteNumber(device.Major);
                WriteNumber(device.Minor);
                break;
            case TreeEntry.Fifo fifo:
                WriteByte(FifoKind);
                WriteMetadata(fifo.Metadata);
                break;
            default:
                throw new UnreachableException();
        }
    }

    // A symlink has no mode: writing one would give the same link two encodings.
    private void WriteOwnerAndXattrs(Metadata metadata)
    {
        WriteNumber(metadata.Uid);
        WriteNumber(metadata.Gid);
        WriteNumber((ulong)metadata.Xattrs.Count);
        foreach (var xattr in metadata.Xattrs)
        {
            WriteBytes(xattr.Name);
            WriteBytes(xattr.Value);
        }
    }

    public void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        WriteNumber((ulong)bytes.Length);
        _output.Write(bytes);
    }

    public void WriteNumber(ulong value)
    {
        var span = _output.GetSpan(10);
        var length = 0;
        for (; value >= 0x80; value >>= 7)
            span[length++] = (byte)(value | 0x80);
        span[length++] = (byte)value;
        _output.Advance(length);
    }

    /// <summary>Eight bytes, little-endian.</summary>
    public void WriteFixed64(ulong value)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(_output.GetSpan(8), value);
        _output.Advance(8);
    }

    public void WriteId(ObjectId id)
    {
        id.CopyTo(_output.GetSpan(ObjectId.Size));
        _output.Advance(ObjectId.Size);
    }

    public void WriteByte(byte value)
    {
        _output.GetSpan(1)[0] = value;
        _output.Advance(1);
    }
}
