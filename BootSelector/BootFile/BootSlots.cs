namespace ContentTree.BootFile;

/// <summary>
/// The boot file: <c>boot.a</c> and <c>boot.b</c> in one directory. The valid slot with the higher sequence counts, a write
/// overwrites the other one in place; so whenever the power goes, one whole record remains. Measured on FAT and ext4.
/// Two writers must exclude each other: the selector runs before anything else, the agent holds its lock.
/// </summary>
/// <param name="directory">The directory that holds the slots.</param>
public sealed class BootSlots(string directory)
{
    /// <summary>The directory that holds the slots.</summary>
    public string Directory { get; } = directory;

    /// <summary>The path of <c>boot.a</c>.</summary>
    public string PathA { get; } = Path.Combine(directory, "boot.a");

    /// <summary>The path of <c>boot.b</c>.</summary>
    public string PathB { get; } = Path.Combine(directory, "boot.b");

    /// <summary>Makes the slots that are missing and sets wrong sizes right; whole slots stay as they are. Repeatable.</summary>
    /// <exception cref="IOException">The directory is missing or cannot be written, or something else than a file has a slot's name.</exception>
    public void Create()
    {
        SlotFile.Create(PathA);
        SlotFile.Create(PathB);
        SlotFile.FlushDirectory(Directory);
    }

    /// <summary>Both slots as they are, <c>boot.a</c> first. Never throws.</summary>
    public (SlotReading A, SlotReading B) Inspect() => (SlotFile.Read(PathA), SlotFile.Read(PathB));

    /// <summary>The record that counts, or null when neither slot is valid. Never throws.</summary>
    public BootRecord? Read()
    {
        var (a, b) = Inspect();
        return Current(a, b)?.Record;
    }

    /// <summary>
    /// Writes <paramref name="record"/> with the next sequence over the slot that does not count, flushes it and reads it back
    /// from the medium. Returns it as written: from then on it is what boots.
    /// </summary>
    /// <exception cref="IOException">It could not be written or does not read back; the record that counted before still does.</exception>
    public BootRecord Write(BootRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        var (a, b) = Inspect();
        var current = Current(a, b);
        var sequence = current?.Record?.Sequence ?? 0;
        if (sequence >= BootRecord.MaxSequence)
            throw new IOException($"{current?.Path}: its sequence {sequence} cannot rise");
        var next = record with { Sequence = sequence + 1 };
        SlotFile.Write(current == a ? PathB : PathA, next.Encode());
        return next;
    }

    /// <summary>The slot that counts, or null when neither is valid.</summary>
    public static SlotReading? Current(SlotReading a, SlotReading b)
    {
        if (a.Record is null)
            return b.Record is null ? null : b;
        return b.Record is null || a.Record.Sequence >= b.Record.Sequence ? a : b;
    }
}
