using System.Security.Cryptography;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Local;

/// <summary>
/// Receives one file's uncompressed content. Nothing enters the store unless <see cref="Complete"/> finds the announced
/// size and hash; a receiver that is disposed without it leaves nothing.
/// </summary>
public sealed class FileReceiver : IDisposable
{
    private readonly StorePull _pull;
    private readonly StoredFile _file;
    private readonly long _size;
    private readonly Metadata _metadata;
    private readonly SafeFileHandle _handle;
    private readonly SparseOutput _output;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _received;
    private bool _kept;

    internal FileReceiver(StorePull pull, StoredFile file, long size, Metadata metadata)
    {
        (_pull, _file, _size, _metadata) = (pull, file, size, metadata);
        var incoming = pull.Store.Incoming;
        // A leftover of a receiver that was killed has the name; its content is unknown, so it goes.
        if (Posix.StatAt(incoming, file.FlatName) is not null)
            Posix.UnlinkAt(incoming, file.FlatName);
        _handle = Posix.CreateAt(incoming, file.FlatName, 0x180);
        _output = new SparseOutput(_handle, file.ToString());
    }

    /// <summary>Bytes still to come.</summary>
    public long Remaining => _size - _received;

    /// <summary>Adds content. Whole blocks of zeros become holes.</summary>
    /// <exception cref="CorruptObjectException">More bytes than announced.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > Remaining)
            throw new CorruptObjectException(Name, $"more than the announced {_size} bytes");
        _hash.AppendData(bytes);
        _received += bytes.Length;
        _output.Write(bytes);
    }

    /// <summary>Checks the content, sets owner, mode, attributes and time, and hands the file to the pull's batch.</summary>
    /// <exception cref="CorruptObjectException">Size or hash is not the announced one.</exception>
    public void Complete()
    {
        if (_received != _size)
            throw new CorruptObjectException(Name, $"{_received} bytes instead of {_size}");
        if (new ObjectId(_hash.GetHashAndReset()) != _file.Content)
            throw new CorruptObjectException(Name, "its content has another hash");
        _output.Finish();
        _pull.Store.Inodes.Apply(_handle, _metadata, isDirectory: false, _file.ToString());
        _kept = true;
        _handle.Dispose();
        _pull.Keep(_file, _size);
    }

    public void Dispose()
    {
        _handle.Dispose();
        _hash.Dispose();
        if (!_kept)
            Posix.UnlinkAt(_pull.Store.Incoming, _file.FlatName);
    }

    private ObjectName Name => new(ObjectKind.File, _file.Content);
}
