using System.Globalization;
using System.Text;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Publishing.Sources.Tar;

/// <summary>
/// Reads a tar archive member by member: ustar, GNU and PAX, with long names, attributes and sparse files. Own, because names that are not
/// UTF-8, sparse files and owners above 2^31 do not survive the base library's reader (docs/decisions/0006-tar.md).
/// </summary>
/// <param name="archive">The uncompressed archive.</param>
internal sealed class TarArchive(Stream archive) : IDisposable
{
    private const int MaxHeaderBytes = 1 << 20;
    private const int MaxPieces = 1 << 20;

    // A header of a few bytes names holes of any size, which are read as zeros.
    private const long MaxHoles = 1L << 36;

    private readonly byte[] _block = new byte[TarBlock.Length];
    private PaxRecords _global = new();
    private Bounded? _content;
    private long _holes;

    /// <summary>The content of the member that <see cref="Next"/> gave last.</summary>
    public Stream Content { get; private set; } = Stream.Null;

    /// <summary>The next member; null at the end of the archive.</summary>
    /// <exception cref="FormatException">This is no tar archive, or it ends too early.</exception>
    public TarMember? Next()
    {
        SkipContent();
        var own = new PaxRecords();
        byte[]? longPath = null, longTarget = null;
        while (TryReadBlock())
        {
            var block = new TarBlock(_block);
            switch ((char)block.Type)
            {
                case 'x' or 'X':
                    own.Add(ReadHeader(block.Size));
                    break;
                case 'g':
                    var global = new PaxRecords();
                    global.Add(ReadHeader(block.Size));
                    _global = _global.With(global);
                    break;
                case 'L':
                    longPath = Text(ReadHeader(block.Size));
                    break;
                case 'K':
                    longTarget = Text(ReadHeader(block.Size));
                    break;
                case 'V':
                    ReadHeader(block.Size);
                    break;
                default:
                    return Member(block, _global.With(own), longPath, longTarget);
            }
        }
        return null;
    }

    public void Dispose() => _content?.Dispose();

    private TarMember Member(TarBlock block, PaxRecords pax, byte[]? longPath, byte[]? longTarget)
    {
        var path = pax.Path ?? longPath ?? block.Path();
        var kind = KindOf(block.Type, path);
        var metadata = new Metadata(block.Mode, Owner(pax.Uid ?? block.Uid), Owner(pax.Gid ?? block.Gid), pax.Xattrs());
        var (major, minor) = (Number32(block.Major), Number32(block.Minor));
        var target = kind is TarMemberKind.Symlink or TarMemberKind.HardLink ? pax.Target ?? longTarget ?? block.Target.ToArray() : [];
        var size = OpenContent(block, pax, kind);
        return new TarMember(kind, path, target, kind == TarMemberKind.File ? size : 0, metadata, major, minor);
    }

    private static TarMemberKind KindOf(byte type, byte[] path) => (char)type switch
    {
        // Before ustar a directory was a file whose name ends with a slash.
        '\0' or '0' when path is [.., (byte)'/'] => TarMemberKind.Directory,
        '\0' or '0' or '7' or 'S' => TarMemberKind.File,
        '1' => TarMemberKind.HardLink,
        '2' => TarMemberKind.Symlink,
        '3' => TarMemberKind.CharacterDevice,
        '4' => TarMemberKind.BlockDevice,
        '5' => TarMemberKind.Directory,
        '6' => TarMemberKind.Fifo,
        'D' or 'M' => throw new FormatException("is part of an incremental or divided archive; make a whole one"),
        var other => throw new FormatException($"is of a kind that no tree can hold (type {(char.IsAsciiLetterOrDigit(other) ? other : (int)other)})"),
    };

    private static uint Owner(long id) => id is >= 0 and < uint.MaxValue ? (uint)id : throw new FormatException("has an owner that cannot be");

    private static uint Number32(long number) => number is >= 0 and <= uint.MaxValue ? (uint)number : throw new FormatException("has a device number that cannot be");

    private static byte[] Text(byte[] text) => text.AsSpan().IndexOf((byte)0) is >= 0 and var end ? text[..end] : text;

    // What is behind a header whatever its kind says: some programs give a hard link its content again.
    private long OpenContent(TarBlock block, PaxRecords pax, TarMemberKind kind)
    {
        var stored = pax.Size ?? block.Size;
        // A directory's size is a hint of some old programs; nothing follows.
        if (stored < 0 || kind is TarMemberKind.Directory or TarMemberKind.Symlink or TarMemberKind.CharacterDevice or TarMemberKind.BlockDevice or TarMemberKind.Fifo)
            stored = 0;
        var isOldSparse = block.Type == 'S';
        var realSize = isOldSparse ? block.GnuRealSize : pax.RealSize;
        List<(long, long)>? pieces = null;
        if (isOldSparse)
            pieces = ReadOldMap(block);
        _content = new Bounded(archive, stored);
        Content = _content;
        if (realSize is not { } size || kind != TarMemberKind.File)
            return stored;
        pieces ??= pax.HasSparseMapInContent ? ReadMapInContent(_content) : pax.SparsePieces() ?? throw new FormatException("is a sparse file without a map");
        Content = new SparseStream(_content, _content.Left, size, pieces);
        if ((_holes += size - _content.Left) > MaxHoles)
            throw new FormatException($"with it the archive has holes of more than {MaxHoles >> 30} GiB, which nobody can mean");
        return size;
    }

    private List<(long, long)> ReadOldMap(TarBlock block)
    {
        var pieces = new List<(long, long)>();
        var isMore = block.ReadGnuSparse(pieces);
        var extension = new byte[TarBlock.Length];
        while (isMore)
        {
            ReadExactly(extension);
            isMore = new TarBlock(extension).ReadGnuSparseExtension(pieces);
            if (pieces.Count > MaxPieces)
                throw new FormatException("is a sparse file in too many pieces");
        }
        return pieces;
    }

    // Decimal lines: how many pieces, then offset and length of each; filled up to a whole block.
    private static List<(long, long)> ReadMapInContent(Bounded content)
    {
        var before = content.Left;
        var count = ReadLine(content);
        if (count > MaxPieces)
            throw new FormatException("is a sparse file in too many pieces");
        var pieces = new List<(long, long)>();
        for (long i = 0; i < count; i++)
            pieces.Add((ReadLine(content), ReadLine(content)));
        content.Skip((TarBlock.Length - (before - content.Left) % TarBlock.Length) % TarBlock.Length);
        return pieces;
    }

    private static long ReadLine(Bounded content)
    {
        var text = new StringBuilder();
        for (int digit; (digit = content.ReadByte()) != '\n';)
        {
            if (digit is < '0' or > '9' || text.Length == 18)
                throw new FormatException("has a map of a sparse file that is none");
            text.Append((char)digit);
        }
        return long.TryParse(text.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new FormatException("has a map of a sparse file that is none");
    }

    private byte[] ReadHeader(long size)
    {
        if (size is < 0 or > MaxHeaderBytes)
            throw new FormatException($"has a header of {size} bytes");
        var header = new byte[size];
        ReadExactly(header);
        SkipPadding(size);
        return header;
    }

    // An archive ends with two blocks of zeros; one that was cut off at a member's end must not pass for a smaller one.
    private bool TryReadBlock()
    {
        ReadExactly(_block);
        var block = new TarBlock(_block);
        if (block.IsZero)
            return false;
        return block.HasItsChecksum() ? true : throw new FormatException("is no tar archive, or a damaged one");
    }

    private void SkipContent()
    {
        if (_content is null)
            return;
        var size = _content.Size;
        _content.Skip(_content.Left);
        _content = null;
        SkipPadding(size);
    }

    private void SkipPadding(long size)
    {
        Span<byte> padding = stackalloc byte[TarBlock.Length];
        ReadExactly(padding[..(int)((TarBlock.Length - size % TarBlock.Length) % TarBlock.Length)]);
    }

    private void ReadExactly(Span<byte> bytes)
    {
        if (archive.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            throw new FormatException("ends too early");
    }

    /// <summary>The next bytes of the archive, and no more.</summary>
    private sealed class Bounded(Stream archive, long size) : ReadOnlyStream
    {
        private long _read;

        public long Size => size;

        public long Left => size - _read;

        public override int Read(Span<byte> buffer)
        {
            var count = archive.Read(buffer[..(int)Math.Min(buffer.Length, Left)]);
            _read += count;
            return count;
        }

        public void Skip(long count)
        {
            Span<byte> buffer = stackalloc byte[4096];
            while (count > 0)
            {
                var read = Read(buffer[..(int)Math.Min(buffer.Length, count)]);
                if (read == 0)
                    throw new FormatException("ends too early");
                count -= read;
            }
        }
    }
}
