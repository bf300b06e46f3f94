using System.Globalization;
using System.Text;

namespace ContentTree.Server.Publishing.Initramfs;

/// <summary>
/// Reads an initramfs as the kernel unpacks it: "newc" cpio archives one after the other, zeros between them, and the rest perhaps
/// compressed (processor microcode comes first and bare). Memory stays bounded whatever the bytes say.
/// </summary>
/// <param name="source">Buffered, because it is read in small pieces.</param>
internal sealed class InitramfsReader(BufferedStream source)
{
    private const int HeaderSize = 110;
    private const int MagicSize = 6;
    private const int MaxName = 4096;
    private const int MaxFile = 16 << 20;
    private const long MaxUnpacked = 2L << 30;

    private long _offset;
    private long _read;

    /// <summary>The content of the first regular file with one of these paths; null when there is none.</summary>
    /// <exception cref="InvalidDataException">It is no initramfs, or a larger one than anybody boots.</exception>
    public byte[]? Find(IReadOnlyCollection<string> paths) => Find(paths, mayBePacked: true);

    private byte[]? Find(IReadOnlyCollection<string> paths, bool mayBePacked)
    {
        while (SkipZeros() is { } first)
        {
            var magic = new byte[MagicSize];
            magic[0] = first;
            Fill(magic.AsSpan(1));
            _offset = MagicSize;
            if (!magic.AsSpan().StartsWith("07070"u8))
                return mayBePacked ? FindPacked(magic, paths) : throw new InvalidDataException("no cpio archive");
            if (FindInArchive(paths) is { } found)
                return found;
        }
        return null;
    }

    private byte[]? FindPacked(byte[] magic, IReadOnlyCollection<string> paths)
    {
        using var unpacking = Unpacking.TryStart(magic, source) ?? throw new InvalidDataException("neither a cpio archive nor compressed as the kernel knows it");
        using var content = new BufferedStream(unpacking.Content);
        return new InitramfsReader(content).Find(paths, mayBePacked: false);
    }

    /// <summary>Reads to the end of one archive, whose first magic was read.</summary>
    private byte[]? FindInArchive(IReadOnlyCollection<string> paths)
    {
        for (var header = new byte[HeaderSize]; ; Fill(header.AsSpan(0, MagicSize)))
        {
            Fill(header.AsSpan(MagicSize));
            var (mode, size, nameSize) = (Field(header, 1), Field(header, 6), Field(header, 11));
            if (nameSize is 0 or > MaxName)
                throw new InvalidDataException("a cpio entry without a name");
            var name = new byte[nameSize];
            Fill(name);
            Align();
            var path = Encoding.UTF8.GetString(name.AsSpan(0, name.Length - 1)).TrimStart('.').TrimStart('/');
            if (path == "TRAILER!!!")
                return null;
            if ((mode & 0xf000) == 0x8000 && size is > 0 and <= MaxFile && paths.Contains(path))
            {
                var content = new byte[size];
                Fill(content);
                return content;
            }
            Skip(size);
            Align();
        }
    }

    private static uint Field(byte[] header, int index) =>
        uint.TryParse(header.AsSpan(MagicSize + (8 * index), 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new InvalidDataException("a cpio header that is no number");

    private byte? SkipZeros()
    {
        int next;
        do
        {
            next = source.ReadByte();
            Count(1);
        }
        while (next == 0);
        return next < 0 ? null : (byte)next;
    }

    private void Align() => Skip((4 - (_offset & 3)) & 3);

    private void Skip(long count)
    {
        Span<byte> passed = stackalloc byte[4096];
        for (; count > 0; count -= Math.Min(count, passed.Length))
            Fill(passed[..(int)Math.Min(count, passed.Length)]);
    }

    private void Fill(Span<byte> target)
    {
        if (source.ReadAtLeast(target, target.Length, throwOnEndOfStream: false) < target.Length)
            throw new InvalidDataException("it ends in the middle");
        _offset += target.Length;
        Count(target.Length);
    }

    private void Count(int bytes)
    {
        _read += bytes;
        if (_read > MaxUnpacked)
            throw new InvalidDataException("it does not end");
    }
}
