using ContentTree.Store;
using ContentTree.Store.Codecs;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Transfer;

/// <summary>Some bytes of an open file, read once. The file stays open.</summary>
internal sealed class FileSlice(SafeFileHandle file, long start, long length) : ReadOnlyStream
{
    private long _read;

    public override int Read(Span<byte> buffer)
    {
        try
        {
            var count = Posix.ReadAt(file, start + _read, buffer[..(int)Math.Min(buffer.Length, length - _read)], "bundle");
            _read += count;
            return count;
        }
        catch (PosixException e)
        {
            // The medium was pulled out, which is the source's failure and not this device's.
            throw new IOException(e.Message, e);
        }
    }
}
