using static ContentTree.Store.Codecs.Lz4Native;

namespace ContentTree.Store.Codecs;

/// <summary>
/// Writes standard LZ4 frames with the content size in the header and linked 64 KiB blocks, so that a device decodes
/// with a few hundred kilobytes whatever the file's size. Keeps its buffers: one encoder per worker.
/// </summary>
public sealed unsafe class Lz4Encoder : IDisposable
{
    private const int HeaderBound = 32;
    private nint _context;
    private byte[] _buffer = [];

    /// <summary>A whole frame in one call. The result is valid until the next call.</summary>
    public ReadOnlySpan<byte> EncodeFrame(ReadOnlySpan<byte> content)
    {
        var preferences = For(content.Length);
        Reserve((int)LZ4F_compressFrameBound((nuint)content.Length, &preferences));
        fixed (byte* target = _buffer, source = content)
            return _buffer.AsSpan(0, Length(LZ4F_compressFrame(target, (nuint)_buffer.Length, source, (nuint)content.Length, &preferences)));
    }

    /// <summary>Starts a frame that will hold exactly <paramref name="contentSize"/> bytes; returns its header.</summary>
    public ReadOnlySpan<byte> Begin(long contentSize)
    {
        if (_context == 0)
        {
            nint context;
            Length(LZ4F_createCompressionContext(&context, Lz4Native.Version));
            _context = context;
        }
        var preferences = For(contentSize);
        Reserve(HeaderBound);
        fixed (byte* target = _buffer)
            return _buffer.AsSpan(0, Length(LZ4F_compressBegin(_context, target, (nuint)_buffer.Length, &preferences)));
    }

    /// <summary>Adds content to the frame; returns the encoded bytes that are ready, possibly none.</summary>
    public ReadOnlySpan<byte> Update(ReadOnlySpan<byte> content)
    {
        Reserve((int)LZ4F_compressBound((nuint)content.Length, null));
        fixed (byte* target = _buffer, source = content)
            return _buffer.AsSpan(0, Length(LZ4F_compressUpdate(_context, target, (nuint)_buffer.Length, source, (nuint)content.Length, null)));
    }

    /// <summary>Ends the frame. Fails when the content's length was not the one announced.</summary>
    public ReadOnlySpan<byte> End()
    {
        Reserve((int)LZ4F_compressBound(0, null));
        fixed (byte* target = _buffer)
            return _buffer.AsSpan(0, Length(LZ4F_compressEnd(_context, target, (nuint)_buffer.Length, null)));
    }

    public void Dispose()
    {
        if (_context != 0)
            LZ4F_freeCompressionContext(_context);
        _context = 0;
    }

    private static Preferences For(long contentSize) => new() { BlockSize = Block64K, ContentSize = (ulong)contentSize };

    private static int Length(nuint result) => LZ4F_isError(result) == 0
        ? (int)result
        : throw new InvalidOperationException($"lz4 could not encode (error {-(long)result})");

    private void Reserve(int size)
    {
        if (_buffer.Length < size)
            _buffer = GC.AllocateUninitializedArray<byte>(size);
    }
}
