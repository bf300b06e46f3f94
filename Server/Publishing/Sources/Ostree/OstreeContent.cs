using System.Security.Cryptography;
using ContentTree.Server.Ostree;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Publishing.Sources.Ostree;

/// <summary>A file or symlink as a repository has it. It is what its checksum says only when <see cref="RequireWhole"/> has not complained.</summary>
/// <param name="shown">What messages call it.</param>
internal sealed class OstreeContent(string shown, ObjectId checksum, OstreeHeader header, long size, Stream content) : ReadOnlyStream
{
    private readonly IncrementalHash _hash = Begin(header);
    private long _read;

    public OstreeHeader Header { get; } = header;

    /// <summary>Bytes, as the repository tells it.</summary>
    public long Size { get; } = size;

    public override int Read(Span<byte> buffer)
    {
        var count = Next(buffer[..(int)Math.Min(buffer.Length, Size - _read)]);
        if (count == 0 && buffer.Length > 0 && _read < Size)
            throw new DamagedSourceException(shown, "ends too early");
        _hash.AppendData(buffer[..count]);
        _read += count;
        return count;
    }

    /// <summary>To be asked after all of it was read.</summary>
    /// <exception cref="DamagedSourceException">There is more of it, or it has another checksum.</exception>
    public void RequireWhole()
    {
        Span<byte> more = stackalloc byte[1];
        if (Next(more) > 0)
            throw new DamagedSourceException(shown, $"has more than the {Size} bytes that it tells");
        if (new ObjectId(_hash.GetHashAndReset()) != checksum)
            throw new DamagedSourceException(shown, "its content has another checksum");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
            content.Dispose();
        }
        base.Dispose(disposing);
    }

    private int Next(Span<byte> buffer)
    {
        try
        {
            return buffer.IsEmpty ? 0 : content.Read(buffer);
        }
        catch (InvalidDataException e)
        {
            throw new DamagedSourceException(shown, $"cannot be unpacked: {e.Message}");
        }
    }

    private static IncrementalHash Begin(OstreeHeader header)
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(OstreeHeader.Framed(header.Encode()));
        return hash;
    }
}
