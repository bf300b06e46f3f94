using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Backups;

/// <summary>Copies objects' frames into a repository, durably and in bounded memory. What is there already is not written again.</summary>
internal sealed class ObjectCopy(Repository target) : IDisposable
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
            Copied = (Copied.Objects + 1, Copied.Bytes + Copy(frame, file, name));
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
