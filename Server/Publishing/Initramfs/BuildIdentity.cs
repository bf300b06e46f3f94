using System.Buffers.Binary;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Publishing.Initramfs;

/// <summary>
/// Which build a program is: its linker's build id, which stays when an initramfs generator strips it, else the hash of its bytes.
/// </summary>
internal static class BuildIdentity
{
    private const int NoteSegment = 4;
    private const int BuildIdNote = 3;
    private const int HeaderBytes = 56;
    private const int MaxHeaders = 64;
    private const int MaxNotes = 64 * 1024;

    public static string Of(ReadOnlySpan<byte> program) => BuildId(program) ?? ObjectId.Of(program).ToString();

    private static string? BuildId(ReadOnlySpan<byte> elf)
    {
        // 64 bits, little-endian: everything that ctree-select is built for.
        if (elf.Length < 64 || !elf.StartsWith("\u007fELF\u0002\u0001"u8))
            return null;
        var at = BinaryPrimitives.ReadUInt64LittleEndian(elf[32..]);
        var (size, count) = (BinaryPrimitives.ReadUInt16LittleEndian(elf[54..]), BinaryPrimitives.ReadUInt16LittleEndian(elf[56..]));
        if (size < HeaderBytes || count > MaxHeaders)
            return null;
        for (var i = 0; i < count && Slice(elf, at + (ulong)(i * size), 56) is { IsEmpty: false } header; i++)
        {
            if (BinaryPrimitives.ReadInt32LittleEndian(header) == NoteSegment &&
                BuildIdIn(Slice(elf, BinaryPrimitives.ReadUInt64LittleEndian(header[8..]), Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(header[32..]), MaxNotes))) is { } found)
                return found;
        }
        return null;
    }

    private static string? BuildIdIn(ReadOnlySpan<byte> notes)
    {
        while (notes.Length >= 12)
        {
            var (name, value) = (BinaryPrimitives.ReadUInt32LittleEndian(notes), BinaryPrimitives.ReadUInt32LittleEndian(notes[4..]));
            var isBuildId = BinaryPrimitives.ReadInt32LittleEndian(notes[8..]) == BuildIdNote && Slice(notes, 12, name).SequenceEqual("GNU\0"u8);
            var content = Slice(notes, 12 + Padded(name), value);
            if (isBuildId && !content.IsEmpty)
                return Convert.ToHexStringLower(content);
            notes = Slice(notes, 12 + Padded(name) + Padded(value), null);
        }
        return null;
    }

    private static ulong Padded(uint size) => (size + 3UL) & ~3UL;

    // Empty when it is not all there.
    private static ReadOnlySpan<byte> Slice(ReadOnlySpan<byte> bytes, ulong at, ulong? size) =>
        at > (ulong)bytes.Length || size > (ulong)bytes.Length - at ? [] : bytes.Slice((int)at, (int)(size ?? (ulong)bytes.Length - at));
}
