using System.Buffers.Binary;
using System.Numerics;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>
/// Whether eight bytes can stand anywhere in the old file: a bit for each hash. In bytes that are compressed already almost none do,
/// and a single look here is all that is paid for them.
/// </summary>
internal sealed unsafe class KeyFilter : IDisposable
{
    private const int MinBits = 13;

    // 8 MiB: no more than a part of what a processor's cache holds.
    private const int MaxBits = 26;
    private const int BitsEach = 3;

    private readonly PagedMemory _memory = new();
    private ulong* _words;
    private int _shift;

    public void Build(ReadOnlySpan<byte> old)
    {
        var bits = Math.Clamp(BitOperations.Log2((uint)old.Length | 1) + 1 + BitsEach, MinBits, MaxBits);
        _shift = 64 - bits;
        _words = (ulong*)_memory.Reserve(1L << (bits - 3));
        new Span<ulong>(_words, 1 << (bits - 6)).Clear();
        for (var at = 0; at + sizeof(ulong) <= old.Length; at++)
        {
            var place = Place(BinaryPrimitives.ReadUInt64LittleEndian(old[at..]));
            _words[place >> 6] |= 1UL << (int)place;
        }
    }

    /// <summary>False when no eight bytes of the old file are these.</summary>
    public bool MayHold(ulong key)
    {
        var place = Place(key);
        return (_words[place >> 6] >> (int)place & 1) != 0;
    }

    /// <summary>Forgets the file and gives the memory back.</summary>
    public void Release() => _memory.Release();

    public void Dispose() => _memory.Dispose();

    // The upper bits of a product: cannot leave the table. Another factor than the chains', whose neighbours are no neighbours here.
    private ulong Place(ulong key) => (key * 0xD6E8FEB86659FD93) >> _shift;
}
