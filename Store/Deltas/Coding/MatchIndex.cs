using System.Buffers.Binary;
using System.Numerics;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>Where in the old file eight bytes stand: chains of positions with the same hash, newest first.</summary>
internal sealed unsafe class MatchIndex : IDisposable
{
    public const int KeyLength = 8;
    private const int MaxHeadBits = 22;
    private const int MinHeadBits = 10;

    // Runs of one byte would make one endless chain; of a long one only its beginning and end are worth finding.
    private const int MaxRun = 64;
    private readonly PagedMemory _headMemory = new();
    private readonly PagedMemory _chainMemory = new();
    private readonly KeyFilter _keys = new();
    private int* _heads;
    private int* _chain;
    private int _headBits;
    private int _stride;

    /// <summary>Indexes <paramref name="old"/>, or so much of it that no more than <paramref name="maxPositions"/> are kept.</summary>
    public void Build(ReadOnlySpan<byte> old, int maxPositions)
    {
        // A power of two: what repeats is mostly aligned, so the positions that are kept are the likelier ones.
        _stride = (int)BitOperations.RoundUpToPowerOf2((uint)(((long)old.Length + maxPositions - 1) / maxPositions));
        _stride = Math.Max(1, _stride);
        var positions = (old.Length / _stride) + 1;
        _headBits = Math.Clamp(BitOperations.Log2((uint)positions) + 1, MinHeadBits, MaxHeadBits);
        _heads = (int*)_headMemory.Reserve(sizeof(int) << _headBits);
        _chain = (int*)_chainMemory.Reserve((long)positions * sizeof(int));
        new Span<int>(_heads, 1 << _headBits).Clear();
        AddAll(old);
        _keys.Build(old);
    }

    /// <summary>Whether not every position is kept.</summary>
    public bool IsSparse => _stride > 1;

    /// <summary>False when these bytes stand nowhere in the old file, not even where positions are left out.</summary>
    public bool MayHold(ulong key) => _keys.MayHold(key);

    /// <summary>The newest position with the hash of these bytes, or -1.</summary>
    public long First(ulong key) => ((long)_heads[Place(key)] - 1) * _stride;

    /// <summary>The next older one, or negative.</summary>
    public long Next(long position) => ((long)_chain[position / _stride] - 1) * _stride;

    /// <summary>Forgets the file and gives the memory back.</summary>
    public void Release()
    {
        _keys.Release();
        _headMemory.Release();
        _chainMemory.Release();
    }

    public void Dispose()
    {
        _keys.Dispose();
        _headMemory.Dispose();
        _chainMemory.Dispose();
    }

    private void AddAll(ReadOnlySpan<byte> old)
    {
        var run = 0;
        for (var at = 0; at + KeyLength <= old.Length; at += _stride)
        {
            var key = BinaryPrimitives.ReadUInt64LittleEndian(old[at..]);
            run = key == BitOperations.RotateLeft(key, 8) ? run + _stride : 0;
            if (run > MaxRun)
                continue;
            ref var head = ref _heads[Place(key)];
            (_chain[at / _stride], head) = (head, (at / _stride) + 1);
        }
    }

    private uint Place(ulong key) => (uint)((key * 0x9E3779B185EBCA87) >> (64 - _headBits));
}
