using System.Buffers;

namespace ContentTree.Store.Objects;

/// <summary>An extended attribute: a name such as "security.capability" and a value of any bytes.</summary>
public sealed record Xattr(byte[] Name, byte[] Value)
{
    /// <summary>
    /// Whether a tree may hold an attribute of this name: <c>user.*</c>, <c>security.*</c>, <c>trusted.*</c> and access lists, but none of an
    /// overlay filesystem, which would take it for its own and show another tree than the signed one.
    /// </summary>
    public static bool BelongsToTree(ReadOnlySpan<byte> name) => !IsOverlay(name) &&
        (name.StartsWith("user."u8) || name.StartsWith("security."u8) || name.StartsWith("trusted."u8) ||
        name.SequenceEqual("system.posix_acl_access"u8) || name.SequenceEqual("system.posix_acl_default"u8));

    /// <summary>Whether it tells an overlay filesystem what to show.</summary>
    public static bool IsOverlay(ReadOnlySpan<byte> name) => name.StartsWith("trusted.overlay."u8);
}

/// <summary>Who owns an entry and what may be done with it. Symlinks have no mode of their own (0 here).</summary>
/// <param name="Mode">Permission bits with setuid, setgid and sticky: 0 to 07777 octal.</param>
/// <param name="Xattrs">Sorted by name, each name once, <see cref="MaxXattrBytes"/> in all.</param>
public sealed record Metadata(int Mode, uint Uid, uint Gid, IReadOnlyList<Xattr> Xattrs)
{
    /// <summary>
    /// Names and values of one entry's attributes together. ext4 without ea_inode and f2fs store little more: a larger
    /// set would publish here and fail on a device.
    /// </summary>
    public const int MaxXattrBytes = 2048;

    public const int MaxMode = 0xfff;

    private string? _digest;

    // What "with" makes is another one, and so is its digest.
    private Metadata(Metadata original) =>
        (Mode, Uid, Gid, Xattrs) = (original.Mode, original.Uid, original.Gid, original.Xattrs);

    /// <summary>A regular owner-root metadata without attributes.</summary>
    public static Metadata Plain(int mode) => new(mode, 0, 0, []);

    /// <summary>The canonical encoding, docs/format/tree.md "metadata".</summary>
    public byte[] Encode()
    {
        var buffer = new ArrayBufferWriter<byte>(32);
        var writer = new TreeWriter(buffer);
        writer.WriteMetadata(this);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>
    /// The first 16 bytes of the SHA-256 of the encoding, as 32 hex digits: names the inode variant in a device's store.
    /// </summary>
    public string Digest() => _digest ??= ObjectId.Of(Encode()).ToString()[..32];

    public bool Equals(Metadata? other) => other is not null && (ReferenceEquals(this, other) ||
        (Mode == other.Mode && Uid == other.Uid && Gid == other.Gid && SameXattrs(other)));

    public override int GetHashCode() => HashCode.Combine(Mode, Uid, Gid, Xattrs.Count);

    private bool SameXattrs(Metadata other)
    {
        if (Xattrs.Count != other.Xattrs.Count)
            return false;
        for (var i = 0; i < Xattrs.Count; i++)
        {
            if (!Xattrs[i].Name.AsSpan().SequenceEqual(other.Xattrs[i].Name) || !Xattrs[i].Value.AsSpan().SequenceEqual(other.Xattrs[i].Value))
                return false;
        }
        return true;
    }
}
