namespace ContentTree.Store.Codecs;

/// <summary>
/// Looks inside compressed files, but only when packing their content again gave the same file: the proof is made by doing
/// it. Memory and content length stay below the limits, whatever a file declares.
/// </summary>
/// <param name="maxLength">Bytes of content; a file with more stays as it is.</param>
/// <param name="maxMemory">Bytes that packing or unpacking may use.</param>
internal sealed class Repacker(long maxLength, long maxMemory)
{
    private readonly byte[] _made = new byte[64 << 10];
    private readonly byte[] _wanted = new byte[64 << 10];

    /// <summary>Finds out how <paramref name="packed"/> was made.</summary>
    /// <param name="packed">A whole file, seekable.</param>
    /// <param name="content">Empty, seekable; holds the content afterwards when the answer is not null.</param>
    /// <returns>How to pack the content again; null when this is not a compressed file or cannot be had bit for bit.</returns>
    public Repacking? TryDescribe(Stream packed, Stream content)
    {
        var candidates = Candidates(packed);
        if (candidates.Count == 0 || !TryUnpack(candidates[0], packed, content))
            return null;
        return candidates.FirstOrDefault(candidate => IsExact(candidate, packed, content));
    }

    private List<Repacking> Candidates(Stream packed)
    {
        Span<byte> header = stackalloc byte[GzipPacking.HeaderLength];
        packed.Position = 0;
        header = header[..packed.ReadAtLeast(header, header.Length, throwOnEndOfStream: false)];
        IEnumerable<Repacking> candidates = header switch
        {
            [0x1f, 0x8b, ..] => GzipPacking.LevelsOf(header).Select(level => new Repacking.Gzip(level)),
            [0xfd, (byte)'7', ..] => XzHeaders.Candidates(packed).Select(parameters => new Repacking.Xz(parameters)),
            _ => [],
        };
        return [.. candidates.Where(c => c.PackMemory <= maxMemory && c.UnpackMemory <= maxMemory && c.IsPossibleHere)];
    }

    private bool TryUnpack(Repacking kind, Stream packed, Stream content)
    {
        packed.Position = 0;
        content.SetLength(0);
        using var unpacked = kind.Unpack(packed, maxLength);
        try
        {
            unpacked.CopyTo(content, _made.Length);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private bool IsExact(Repacking candidate, Stream packed, Stream content)
    {
        packed.Position = content.Position = 0;
        using var made = candidate.Pack(content);
        while (true)
        {
            var count = made.ReadAtLeast(_made, _made.Length, throwOnEndOfStream: false);
            var wanted = packed.ReadAtLeast(_wanted, _wanted.Length, throwOnEndOfStream: false);
            if (!_made.AsSpan(0, count).SequenceEqual(_wanted.AsSpan(0, wanted)))
                return false;
            if (count < _made.Length)
                return true;
        }
    }
}
