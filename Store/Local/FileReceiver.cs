using System.Security.Cryptography;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Local;

/// <summary>
/// Receives one file's uncompressed content. Nothing enters the store unless <see cref="Complete"/> finds the announced
/// size and hash; a receiver that is disposed without it leaves nothing, or what came as a part for the next one.
/// </summary>
public sealed class FileReceiver : IDisposable
{
    private const int BufferBytes = 64 * 1024;

    private readonly StorePull _pull;
    private readonly StoredFile _file;
    private readonly long _size;
    private readonly Metadata _metadata;
    private readonly bool _isPart;
    private readonly byte[] _name;
    private readonly SafeFileHandle _handle;
    private readonly SparseOutput _output;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _received;
    private bool _kept;
    private bool _isWrong;

    internal FileReceiver(StorePull pull, StoredFile file, long size, Metadata metadata, bool isPart = false)
    {
        (_pull, _file, _size, _metadata, _isPart) = (pull, file, size, metadata, isPart);
        var incoming = pull.Store.Incoming;
        _name = isPart ? file.PartName : file.FlatName;
        if (isPart)
        {
            _handle = Posix.OpenOrCreateAt(incoming, _name, 0x180);
            Continue();
            _output = new SparseOutput(_handle, file.ToString(), _received);
            return;
        }
        _handle = CreateNew(incoming, _name, pull.Store.Inodes.InitialMode(metadata, isDirectory: false));
        _output = new SparseOutput(_handle, file.ToString());
    }

    /// <summary>Bytes that are here.</summary>
    public long Received => _received;

    /// <summary>Bytes still to come.</summary>
    public long Remaining => _size - _received;

    /// <summary>Adds content. Whole blocks of zeros become holes.</summary>
    /// <exception cref="CorruptObjectException">More bytes than announced.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > Remaining)
            throw Wrong($"more than the announced {_size} bytes");
        _hash.AppendData(bytes);
        _received += bytes.Length;
        _output.Write(bytes);
    }

    /// <summary>Checks the content, sets owner, mode, attributes and time, and hands the file to the pull's batch.</summary>
    /// <exception cref="CorruptObjectException">Size or hash is not the announced one.</exception>
    public void Complete()
    {
        if (_received != _size)
            throw Wrong($"{_received} bytes instead of {_size}");
        if (new ObjectId(_hash.GetHashAndReset()) != _file.Content)
            throw Wrong("its content has another hash");
        _output.Finish();
        _pull.Store.Inodes.Apply(_handle, _metadata, isDirectory: false, _file.ToString());
        if (_isPart)
            Posix.RenameAt(_pull.Store.Incoming, _name, _pull.Store.Incoming, _file.FlatName);
        _kept = true;
        _handle.Dispose();
        _pull.Keep(_file, _size);
    }

    public void Dispose()
    {
        _handle.Dispose();
        _hash.Dispose();
        if (!_kept && !(_isPart && !_isWrong && _received > 0))
            Posix.UnlinkAt(_pull.Store.Incoming, _name);
    }

    private static SafeFileHandle CreateNew(SafeFileHandle incoming, byte[] name, int mode)
    {
        try
        {
            return Posix.CreateAt(incoming, name, mode);
        }
        catch (PosixException e) when (e.Errno == Posix.EEXIST)
        {
            // A leftover of a receiver that was killed; its content is unknown, so it goes.
            Posix.UnlinkAt(incoming, name);
            return Posix.CreateAt(incoming, name, mode);
        }
    }

    // The end of a part that a power cut tore is unknown: the hash of the whole decides.
    private void Continue()
    {
        var subject = _file.ToString();
        var present = Posix.Stat(_handle, subject).Size;
        if (present > _size)
            Posix.SetLength(_handle, 0, subject);
        if (present == 0 || present > _size)
            return;
        var buffer = new byte[BufferBytes];
        for (int count; (count = Posix.Read(_handle, buffer, subject)) > 0; _received += count)
            _hash.AppendData(buffer, 0, count);
    }

    private CorruptObjectException Wrong(string reason)
    {
        _isWrong = true;
        return new CorruptObjectException(Name, reason);
    }

    private ObjectName Name => new(ObjectKind.File, _file.Content);
}
