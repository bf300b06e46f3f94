using System.Runtime.InteropServices;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>Native memory for the tables of a coder, freed all at once.</summary>
internal sealed unsafe class ModelMemory : IDisposable
{
    private const int Alignment = 64;
    private readonly List<nint> _blocks = [];

    ~ModelMemory() => Free();

    public long Bytes { get; private set; }

    /// <summary>Zeroed memory that begins at a cache line.</summary>
    public T* Take<T>(int count) where T : unmanaged
    {
        var bytes = (nuint)count * (nuint)sizeof(T);
        var block = NativeMemory.AlignedAlloc(bytes, Alignment);
        _blocks.Add((nint)block);
        NativeMemory.Clear(block, bytes);
        Bytes += (long)bytes;
        return (T*)block;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        foreach (var block in _blocks)
            NativeMemory.AlignedFree((void*)block);
        _blocks.Clear();
    }
}
