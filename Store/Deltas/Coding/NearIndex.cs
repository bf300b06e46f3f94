using System.Buffers.Binary;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>
/// Every position of the old file near where the walk is, for files that <see cref="MatchIndex"/> keeps only a part of: most
/// of what moved did not move far.
/// </summary>
internal sealed class NearIndex
{
    private const int HeadBits = 18;
    private const int WindowMask = (1 << 20) - 1;
    private const int Ahead = 32 * 1024;
    private const int Behind = 4 * 1024;
    private readonly int[] _heads = new int[1 << HeadBits];
    private readonly int[] _chain = new int[WindowMask + 1];
    private int _from;
    private int _to;

    public void Clear()
    {
        Array.Clear(_heads);
        Array.Clear(_chain);
        (_from, _to) = (0, 0);
    }

    /// <summary>Takes in what stands around a position.</summary>
    public void Cover(ReadOnlySpan<byte> old, long position)
    {
        if (position < _from || position > _to)
            _from = _to = (int)Math.Clamp(position - Behind, 0, old.Length);
        var end = Math.Min(position + Ahead, old.Length - MatchIndex.KeyLength);
        for (; _to <= end; _to++)
        {
            ref var head = ref _heads[Place(BinaryPrimitives.ReadUInt64LittleEndian(old[_to..]))];
            (_chain[_to & WindowMask], head) = (head, _to + 1);
        }
    }

    /// <summary>A position that may have these bytes, or -1. The chain may lead astray or in a circle: callers compare and count.</summary>
    public int First(ulong key) => _heads[Place(key)] - 1;

    public int Next(int position) => _chain[position & WindowMask] - 1;

    private static uint Place(ulong key) => (uint)((key * 0x9E3779B185EBCA87) >> (64 - HeadBits));
}
