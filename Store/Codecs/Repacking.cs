using System.Diagnostics;

namespace ContentTree.Store.Codecs;

/// <summary>
/// How a compressed file comes back bit for bit from its content. The table of bytes is in docs/format/repacking.md.
/// </summary>
internal abstract record Repacking
{
    public const int MaxEncodedLength = 1 + XzParameters.MaxEncodedLength;
    private const byte GzipKind = 1;
    private const byte XzKind = 2;

    private Repacking()
    {
    }

    /// <summary>Bytes of memory that packing needs here.</summary>
    public long PackMemory => this is Xz xz ? xz.Parameters.EncoderMemory : 1 << 20;

    /// <summary>Bytes of memory that unpacking needs here.</summary>
    public long UnpackMemory => this is Xz xz ? xz.Parameters.DecoderMemory + (64 << 10) : 1 << 20;

    /// <summary>Whether this system can pack it: gzip is a program that may be absent.</summary>
    public bool IsPossibleHere => this is not Gzip || GzipPacking.FindProgram() is not null;

    /// <summary>Reads exactly what <see cref="Encode"/> writes.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, out Repacking? repacking)
    {
        repacking = encoded switch
        {
            [GzipKind, >= 1 and <= 9] => new Gzip(encoded[1]),
            [XzKind, ..] when XzParameters.TryDecode(encoded[1..], out var parameters) => new Xz(parameters),
            _ => null,
        };
        return repacking is not null;
    }

    /// <summary>2 to 9 bytes.</summary>
    public byte[] Encode() => this switch
    {
        Gzip gzip => [GzipKind, (byte)gzip.Level],
        Xz xz => [XzKind, .. xz.Parameters.Encode()],
        _ => throw new UnreachableException(),
    };

    /// <summary>The content of a packed file, decoded as it is read.</summary>
    /// <exception cref="FormatException">From reading: bad bytes, or more than <paramref name="maxLength"/> bytes of content.</exception>
    public Stream Unpack(Stream packed, long maxLength) => this switch
    {
        Gzip => GzipPacking.Unpack(packed, maxLength),
        Xz => new XzDecodeStream(packed, 0, maxLength, UnpackMemory),
        _ => throw new UnreachableException(),
    };

    /// <summary>The packed file, encoded as it is read. Only its hash says that it is the one wanted.</summary>
    /// <exception cref="IOException">The program that packs is absent or fails.</exception>
    public Stream Pack(Stream content) => this switch
    {
        Gzip gzip => GzipPacking.Pack(content, gzip.Level),
        Xz xz => new XzEncodeStream(content, xz.Parameters),
        _ => throw new UnreachableException(),
    };

    /// <summary>GNU gzip with -n.</summary>
    public sealed record Gzip(int Level) : Repacking;

    /// <summary>One .xz stream as liblzma 5.4 writes it.</summary>
    public sealed record Xz(XzParameters Parameters) : Repacking;
}
