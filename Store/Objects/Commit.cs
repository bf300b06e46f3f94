using ContentTree.Store.Json;

namespace ContentTree.Store.Objects;

/// <summary>
/// A root tree, its parents and where it came from: what gets deployed. Equal commits have equal encodings and so equal ids
/// (docs/format/commit.md).
/// </summary>
public sealed record Commit
{
    /// <summary>For the fleet or for development units.</summary>
    public CommitKind Kind { get; init; }

    /// <summary>The root tree.</summary>
    public required ObjectId Tree { get; init; }

    /// <summary>The commits this one follows, first the one it replaced on its branch.</summary>
    public IReadOnlyList<ObjectId> Parents { get; init; } = [];

    /// <summary>When it was made; kept in UTC and whole seconds.</summary>
    public required DateTimeOffset Created { get; init => field = UtcSeconds.Truncate(value); }

    /// <summary>The version people know it by; may be empty.</summary>
    public string Version { get; init; } = "";

    /// <summary>One line that says what changed.</summary>
    public string Subject { get; init; } = "";

    /// <summary>More about it, any number of lines.</summary>
    public string Body { get; init; } = "";

    /// <summary>Where the tree came from.</summary>
    public required CommitSource Source { get; init; }

    /// <summary>The processor architecture its programs need; empty if none.</summary>
    public string Architecture { get; init; } = "";

    /// <summary>The hardware it is meant for; empty means any.</summary>
    public IReadOnlyList<string> Compatible { get; init; } = [];

    /// <summary>Devices may not skip it.</summary>
    public bool Barrier { get; init; }

    /// <summary>Bytes of all files in the tree.</summary>
    public long Bytes { get; init; }

    /// <summary>Entries in the tree and all below it.</summary>
    public long Entries { get; init; }

    /// <summary>What changed paths ask of a device.</summary>
    public IReadOnlyList<CommitAction> Actions { get; init; } = [];

    /// <summary>Data migrations, by rising number.</summary>
    public IReadOnlyList<CommitMigration> Migrations { get; init; } = [];

    /// <summary>Anything else, by name.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    /// <summary>The SHA-256 of the encoding.</summary>
    /// <exception cref="FormatException">A value is outside the limits.</exception>
    public ObjectId Id => ObjectId.Of(Encode());

    /// <summary>The canonical encoding.</summary>
    /// <exception cref="FormatException">A value is outside the limits; the message says which.</exception>
    public byte[] Encode() => CommitFormat.Encode(this);

    /// <summary>Reads exactly what <see cref="Encode"/> writes.</summary>
    /// <exception cref="CorruptObjectException">The bytes are not the canonical encoding of a commit.</exception>
    public static Commit Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return CommitFormat.Decode(bytes);
        }
        catch (FormatException e)
        {
            throw new CorruptObjectException("commit", e.Message);
        }
    }

    /// <summary>Reads the commit of that id: the bytes must hash to it.</summary>
    /// <exception cref="CorruptObjectException">Other bytes, or not the canonical encoding of a commit.</exception>
    public static Commit Decode(ReadOnlySpan<byte> bytes, ObjectId expected) => ObjectId.Of(bytes) == expected
        ? Decode(bytes)
        : throw new CorruptObjectException(new ObjectName(ObjectKind.Commit, expected), "the bytes have another hash");

    /// <summary>Same encoding, same commit.</summary>
    public bool Equals(Commit? other) => other is not null && Encode().AsSpan().SequenceEqual(other.Encode());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Tree, Created);
}
