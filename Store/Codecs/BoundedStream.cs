namespace ContentTree.Store.Codecs;

/// <summary>A decoder of the base library with a limit, and one kind of error for bad bytes.</summary>
internal sealed class BoundedStream(Stream inner, long maxLength, string format) : ReadOnlyStream
{
    private long _length;

    /// <exception cref="FormatException">Bad bytes, or more content than allowed.</exception>
    public override int Read(Span<byte> buffer)
    {
        try
        {
            var count = inner.Read(buffer);
            _length += count;
            return _length <= maxLength ? count : throw new FormatException($"{format} holds more than {maxLength} bytes");
        }
        catch (InvalidDataException bad)
        {
            throw new FormatException($"not a valid {format}: {bad.Message}", bad);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }
}
