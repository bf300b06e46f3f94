namespace ContentTree.Store.Deltas.Generation;

/// <summary>
/// The smallest hashes of all stretches of 16 bytes that a content has: two contents of about one size have as large a share of them in
/// common as of their stretches (A. Broder, "On the resemblance and containment of documents", 1997).
/// </summary>
internal sealed class ContentSketch
{
    /// <summary>Hashes kept.</summary>
    public const int Size = 128;

    // Each byte moves the older ones up by four bits: after 16 they have left.
    private const int BitsPerByte = 4;
    private const int Window = 64 / BitsPerByte;

    private static readonly ulong[] ByteHashes = [.. Enumerable.Range(1, 256).Select(i => Mix((ulong)i))];

    private readonly SortedSet<ulong> _smallest = [];
    private ulong _rolling, _largestKept = ulong.MaxValue;
    private int _seen;

    public IReadOnlyCollection<ulong> Hashes => _smallest;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
        {
            _rolling = (_rolling << BitsPerByte) + ByteHashes[value];
            if (++_seen >= Window && Mix(_rolling) is var hash && hash < _largestKept)
                Keep(hash);
            _seen = Math.Min(_seen, Window);
        }
    }

    private void Keep(ulong hash)
    {
        if (!_smallest.Add(hash) || _smallest.Count < Size)
            return;
        if (_smallest.Count > Size)
            _smallest.Remove(_smallest.Max);
        _largestKept = _smallest.Max;
    }

    // The end of MurmurHash3: every bit of the input moves every bit of the result.
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 33)) * 0xff51afd7ed558ccd;
        value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53;
        return value ^ (value >> 33);
    }
}
