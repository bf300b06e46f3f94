using System.Buffers.Binary;
using ContentTree.Store.Objects;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Publishing.Sources.Ostree;

/// <summary>A directory that became a tree, and what it comes to with everything below it.</summary>
internal sealed class MadeTree
{
    private const int NumbersAt = ObjectId.Size;
    private const int MachinesAt = NumbersAt + 3 * sizeof(long);
    private const int MachineBytes = sizeof(ushort) + sizeof(long);

    public ObjectId Id { get; init; }

    public long Entries { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>Levels of directories below it.</summary>
    public long Depth { get; private set; }

    private Dictionary<ushort, long> Machines { get; init; } = [];

    /// <summary>The architecture of most programs in it.</summary>
    public string Architecture => Machines.Count == 0 ? "" : ElfMachine.Name(Machines.OrderByDescending(m => m.Value).ThenBy(m => m.Key).First().Key);

    /// <summary>The same numbers for the tree that was made of them.</summary>
    public MadeTree Named(ObjectId id) => new() { Id = id, Entries = Entries, Bytes = Bytes, Depth = Depth, Machines = Machines };

    /// <exception cref="FormatException">More than a tree may have.</exception>
    public void Add(MadeEntry entry)
    {
        Add(1, entry.Size);
        if (entry.Machine != 0)
            Machines[entry.Machine] = Machines.GetValueOrDefault(entry.Machine) + 1;
    }

    /// <exception cref="FormatException">More than a tree may have.</exception>
    public void Add(MadeTree child)
    {
        Add(1 + child.Entries, child.Bytes);
        Depth = Math.Max(Depth, child.Depth + 1);
        if (Depth > Tree.MaxDepth)
            throw new FormatException($"is nested deeper than {Tree.MaxDepth} directories");
        foreach (var (machine, count) in child.Machines)
            Machines[machine] = Machines.GetValueOrDefault(machine) + count;
    }

    public byte[] Encode()
    {
        var bytes = new byte[MachinesAt + Machines.Count * MachineBytes];
        Id.CopyTo(bytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(NumbersAt), Entries);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(NumbersAt + sizeof(long)), Bytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(NumbersAt + 2 * sizeof(long)), Depth);
        var at = MachinesAt;
        foreach (var (machine, count) in Machines)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(at), machine);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at + sizeof(ushort)), count);
            at += MachineBytes;
        }
        return bytes;
    }

    /// <summary>Reads what <see cref="Encode"/> wrote; null for anything else.</summary>
    public static MadeTree? TryDecode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < MachinesAt || (bytes.Length - MachinesAt) % MachineBytes != 0)
            return null;
        var made = new MadeTree
        {
            Id = new ObjectId(bytes[..ObjectId.Size]),
            Entries = BinaryPrimitives.ReadInt64LittleEndian(bytes[NumbersAt..]),
            Bytes = BinaryPrimitives.ReadInt64LittleEndian(bytes[(NumbersAt + sizeof(long))..]),
            Depth = BinaryPrimitives.ReadInt64LittleEndian(bytes[(NumbersAt + 2 * sizeof(long))..]),
        };
        for (var rest = bytes[MachinesAt..]; rest.Length > 0; rest = rest[MachineBytes..])
            made.Machines[BinaryPrimitives.ReadUInt16LittleEndian(rest)] = BinaryPrimitives.ReadInt64LittleEndian(rest[sizeof(ushort)..]);
        return made;
    }

    private void Add(long entries, long bytes)
    {
        if ((Entries += entries) > Tree.MaxTotalEntries)
            throw new FormatException($"has more than {Tree.MaxTotalEntries} entries in all");
        if ((Bytes += bytes) > Tree.MaxTotalBytes)
            throw new FormatException($"has more than {Tree.MaxTotalBytes} bytes in all");
    }
}
