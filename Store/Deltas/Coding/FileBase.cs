using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>An old file on the disk, read through a few pages: operations jump, but mostly not far.</summary>
internal sealed class FileBase : BaseBytes, IDisposable
{
    private const int PageBits = 15;
    private const int PageSize = 1 << PageBits;
    private readonly SafeFileHandle _file;
    private readonly long _start;
    private readonly Page[] _pages;
    private int _oldest;
    private int _last;

    /// <param name="start">Where in the file the old bytes begin.</param>
    public FileBase(SafeFileHandle file, long start, long length, int pages = 16)
    {
        (_file, _start, Length) = (file, start, length);
        _pages = new Page[pages];
    }

    public override long Length { get; }

    protected override void ReadInside(long position, Span<byte> target)
    {
        while (target.Length > 0)
        {
            var page = Find(position >> PageBits);
            var part = page.AsSpan(0, PageSize)[(int)(position & (PageSize - 1))..];
            part = part[..Math.Min(part.Length, target.Length)];
            part.CopyTo(target);
            target = target[part.Length..];
            position += part.Length;
        }
    }

    /// <summary>Gives the pages to the next old file.</summary>
    public void Dispose()
    {
        foreach (ref var page in _pages.AsSpan())
        {
            if (page.Bytes is { } bytes)
                ArrayPool<byte>.Shared.Return(bytes);
            page = default;
        }
    }

    private byte[] Find(long number)
    {
        if (_pages[_last] is { Bytes: { } bytes } last && last.Number == number)
            return bytes;
        for (_last = 0; _last < _pages.Length; _last++)
            if (_pages[_last] is { Bytes: { } found } page && page.Number == number)
                return found;
        _last = _oldest;
        ref var victim = ref _pages[_oldest];
        _oldest = (_oldest + 1) % _pages.Length;
        victim.Bytes ??= ArrayPool<byte>.Shared.Rent(PageSize);
        victim.Number = -1;
        Load(number << PageBits, victim.Bytes.AsSpan(0, PageSize));
        victim.Number = number;
        return victim.Bytes;
    }

    private void Load(long position, Span<byte> page)
    {
        var wanted = page[..(int)Math.Min(page.Length, Length - position)];
        while (wanted.Length > 0)
        {
            var read = RandomAccess.Read(_file, wanted, _start + position);
            if (read == 0)
                throw new EndOfStreamException("the old file is shorter than it was");
            position += read;
            wanted = wanted[read..];
        }
    }

    private struct Page
    {
        public byte[]? Bytes;
        public long Number;
    }
}
