using System.Runtime.InteropServices;

namespace ContentTree.Store;

/// <summary>
/// Memory that goes back to the system the moment it is released. The collector and malloc keep what was large for a while,
/// and to a limit that counts as used.
/// </summary>
internal sealed unsafe class PagedMemory : IDisposable
{
    private const nuint Granularity = 64 * 1024;
    private byte* _start;
    private nuint _length;

    ~PagedMemory() => Release();

    /// <summary>At least so many bytes at a cache line, their content whatever it was; pages take memory when they are first used.</summary>
    public byte* Reserve(long bytes)
    {
        var needed = ((nuint)bytes + Granularity) & ~(Granularity - 1);
        if (needed <= _length)
            return _start;
        Release();
        const int readAndWrite = 3;
        const int privateAndAnonymous = 0x22;
        var start = Libc.mmap(null, needed, readAndWrite, privateAndAnonymous, -1, 0);
        if ((nint)start == -1)
            throw new PosixException($"{needed} bytes of memory", Marshal.GetLastPInvokeError());
        _start = (byte*)start;
        _length = needed;
        return _start;
    }

    /// <summary>Gives everything back; it may be reserved again.</summary>
    public void Release()
    {
        if (_length > 0)
            _ = Libc.munmap(_start, _length);
        _start = null;
        _length = 0;
    }

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }
}
