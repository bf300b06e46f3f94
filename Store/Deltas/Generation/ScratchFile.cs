using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>
/// Bytes on their way that are too many for memory. The file has no name: its space is free again when the process ends, however
/// it ends. For one thread at a time.
/// </summary>
internal sealed class ScratchFile : IDisposable
{
    /// <summary>Of the name that it has for a moment: a process killed just then leaves it.</summary>
    public const string Suffix = ".scratch";

    public ScratchFile(string directory)
    {
        var path = Path.Combine(directory, Guid.NewGuid().ToString("N") + Suffix);
        Handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        File.Delete(path);
    }

    public SafeFileHandle Handle { get; }

    public long Length { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(Handle, bytes, Length);
        Length += bytes.Length;
    }

    /// <summary>Forgets what follows; it is written over.</summary>
    public void Truncate(long length) => Length = length;

    /// <summary>What was appended since the file was <paramref name="start"/> bytes long.</summary>
    public ScratchRegion From(long start) => new(Handle, start, Length - start);

    public void Dispose() => Handle.Dispose();
}
