using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Backups;

/// <summary>Copies objects' frames into a repository, durably and in bounded memory. What is there already is not written again.</summary>
/// <param name="check">Refuses what is damaged; null copies it as it is, to be found and mended later.</param>
internal sealed class ObjectCopy(Repository target, FrameCheck? check = null) : IDisposable
{
    // A writer remembers what it has written.
    private const int TurnObjects = 64 * 1024;
    private const int BufferBytes = 256 * 1024;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferBytes);
    private ObjectWriter? _writer;
    private int _turn;

    /// <summary>Objects that were not there before, and their bytes.</summary>
    public (long Objects, long Bytes) Copied { get; private set; }

    /// <param name="open">The frame; asked for only when it is needed.</param>
    /// <exception cref="CorruptObjectException">The frame was checked and is not this object's; it is not copied.</exception>
    public void Put(ObjectName name, Func<Stream> open)
    {
        if (target.Contains(name))
            return;
        if (_turn++ == TurnObjects)
            Complete();
        _writer ??= target.BeginWriting();
        _writer.Write(name, file =>
        {
            using var frame = open();
            var bytes = check?.Read(name, frame, piece => Posix.Write(file, piece, name.ToString())) ?? Copy(frame, file, name);
            Copied = (Copied.Objects + 1, Copied.Bytes + bytes);
        });
    }

    /// <summary>Makes what was copied durable and visible.</summary>
    public void Complete()
    {
        using var ended = _writer;
        _writer = null;
        _turn = 0;
        ended?.Complete();
    }

    public void Dispose() => _writer?.Dispose();

    private long Copy(Stream frame, SafeFileHandle file, ObjectName name)
    {
        var total = 0L;
        for (int count; (count = frame.Read(_buffer)) > 0; total += count)
            Posix.Write(file, _buffer.AsSpan(0, count), name.ToString());
        return total;
    }
}
