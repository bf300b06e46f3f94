using System.Buffers.Binary;
using System.Collections.Concurrent;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Trees;

/// <summary>
/// Remembers which content an inode had, so that an unchanged file need not be read again. An entry is believed only when
/// device, inode, size, modification and change time are all the same: the change time cannot be set by programs, so a
/// write between two imports always shows. Files changed less than <see cref="Settling"/> before an import are not
/// remembered, because a second write could carry the same time. A write through a memory map shows when its page is first
/// dirtied, so an import cleans the pages first, and filesystems that do not stamp then are always read whole.
/// </summary>
public sealed class StatCache
{
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);
    private const int RecordBytes = 8 * 5 + ObjectId.Size + 4;
    private const int MaxFileBytes = 512 * 1024 * 1024;

    // ext4, xfs, btrfs, f2fs.
    private static readonly long[] Stamping = [0xef53, 0x58465342, 0x9123683e, 0xf2f52010];

    private readonly ConcurrentDictionary<ulong, Entry> _known = new();
    private readonly ConcurrentDictionary<ulong, Entry> _current = new();
    private ulong? _source;
    private readonly long _cutoffNanoseconds = (DateTimeOffset.UtcNow - Settling).ToUnixTimeMilliseconds() * 1_000_000;

    private static ReadOnlySpan<byte> Magic => "CTSC1\n"u8;

    /// <summary>Reads a cache file; a missing or damaged one is an empty cache, never a wrong one.</summary>
    public static StatCache Load(SafeFileHandle directory, ReadOnlySpan<byte> name)
    {
        var cache = new StatCache();
        byte[]? bytes;
        try
        {
            bytes = DurableFiles.TryRead(directory, name, MaxFileBytes);
        }
        catch (FormatException)
        {
            return cache;
        }
        if (bytes is null || bytes.Length < Magic.Length + ObjectId.Size || !bytes.AsSpan().StartsWith(Magic))
            return cache;
        var records = bytes.AsSpan(Magic.Length..^ObjectId.Size);
        if (records.Length % RecordBytes != 0 || ObjectId.Of(records) != new ObjectId(bytes.AsSpan(^ObjectId.Size..)))
            return cache;
        for (; records.Length > 0; records = records[RecordBytes..])
        {
            var entry = Entry.Read(records);
            cache._known[entry.Inode] = entry;
        }
        return cache;
    }

    /// <summary>Writes what this import saw, for the next one.</summary>
    public void Save(SafeFileHandle directory, ReadOnlySpan<byte> name)
    {
        var entries = _current.Values.OrderBy(e => e.Inode).ToArray();
        var bytes = new byte[Magic.Length + entries.Length * RecordBytes + ObjectId.Size];
        Magic.CopyTo(bytes);
        var records = bytes.AsSpan(Magic.Length..^ObjectId.Size);
        for (var i = 0; i < entries.Length; i++)
            entries[i].Write(records[(i * RecordBytes)..]);
        ObjectId.Of(records).CopyTo(bytes.AsSpan(^ObjectId.Size..));
        DurableFiles.Replace(directory, name, bytes, 0x180);
    }

    /// <summary>
    /// Readies a source for comparing: its dirty pages are written, so that the next write through a map shows. False when the
    /// filesystem gives no such promise; then nothing is believed and nothing remembered.
    /// </summary>
    internal bool Prepare(SafeFileHandle source, string path)
    {
        if (!Stamping.Contains(Posix.FilesystemType(source, path)))
            return false;
        Posix.SyncFilesystem(source, path);
        var stat = Posix.Stat(source, path);
        _source = Device(stat);
        return true;
    }

    /// <summary>Whether looking a file up can be worth its stat.</summary>
    internal bool IsEmpty => _known.IsEmpty;

    internal bool TryFind(in FileStat stat, out ObjectId id, out ushort machine, out bool hasXattrs)
    {
        if (Device(stat) == _source && _known.TryGetValue(stat.Inode, out var entry) && entry.Matches(stat))
        {
            (id, machine, hasXattrs) = (entry.Id, entry.Machine, entry.HasXattrs);
            _current[stat.Inode] = entry;
            return true;
        }
        (id, machine, hasXattrs) = (default, 0, true);
        return false;
    }

    internal void Remember(in FileStat stat, ObjectId id, ushort machine, bool hasXattrs)
    {
        if (Device(stat) == _source && stat.ChangedNanoseconds < _cutoffNanoseconds)
            _current[stat.Inode] = new Entry(stat.Inode, Device(stat), stat.Size, stat.ModifiedNanoseconds, stat.ChangedNanoseconds, id, machine, hasXattrs);
    }

    private static ulong Device(in FileStat stat) => ((ulong)stat.DeviceMajor << 32) | stat.DeviceMinor;

    private readonly record struct Entry(
        ulong Inode, ulong DeviceNumber, long Size, long Modified, long Changed, ObjectId Id, ushort Machine, bool HasXattrs)
    {
        public bool Matches(in FileStat stat) => DeviceNumber == Device(stat) && Size == stat.Size &&
            Modified == stat.ModifiedNanoseconds && Changed == stat.ChangedNanoseconds;

        public static Entry Read(ReadOnlySpan<byte> from) => new(
            BinaryPrimitives.ReadUInt64LittleEndian(from), BinaryPrimitives.ReadUInt64LittleEndian(from[8..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[16..]), BinaryPrimitives.ReadInt64LittleEndian(from[24..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[32..]), new ObjectId(from.Slice(40, ObjectId.Size)),
            BinaryPrimitives.ReadUInt16LittleEndian(from[72..]), from[74] != 0);

        public void Write(Span<byte> to)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(to, Inode);
            BinaryPrimitives.WriteUInt64LittleEndian(to[8..], DeviceNumber);
            BinaryPrimitives.WriteInt64LittleEndian(to[16..], Size);
            BinaryPrimitives.WriteInt64LittleEndian(to[24..], Modified);
            BinaryPrimitives.WriteInt64LittleEndian(to[32..], Changed);
            Id.CopyTo(to[40..]);
            BinaryPrimitives.WriteUInt16LittleEndian(to[72..], Machine);
            to[74] = HasXattrs ? (byte)1 : (byte)0;
        }
    }
}
