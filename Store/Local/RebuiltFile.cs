using System.Security.Cryptography;
using System.Text;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Local;

/// <summary>
/// Takes a content whose id is not known yet: it enters the store under the hash of its own bytes, so nothing false can.
/// Disposed without <see cref="Complete"/> it leaves nothing.
/// </summary>
public sealed class RebuiltFile : IDisposable
{
    private readonly StorePull _pull;
    private readonly long _size;
    private readonly IReadOnlyList<Metadata> _variants;
    private readonly byte[] _name = Encoding.ASCII.GetBytes($"{Guid.NewGuid():N}.rebuilt");
    private readonly SafeFileHandle _handle;
    private readonly SparseOutput _output;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _received;
    private bool _isInOrder = true;
    private bool _isKept;

    internal RebuiltFile(StorePull pull, long size, IReadOnlyList<Metadata> variants)
    {
        (_pull, _size, _variants) = (pull, size, variants);
        _handle = Posix.CreateAt(pull.Store.Incoming, _name, 0x180);
        _output = new SparseOutput(_handle, Subject);
    }

    /// <summary>Adds content. Whole blocks of zeros become holes.</summary>
    /// <exception cref="CorruptObjectException">More bytes than announced.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _size - _received)
            throw new CorruptObjectException(Subject, $"more than the announced {_size} bytes");
        _hash.AppendData(bytes);
        _received += bytes.Length;
        _output.Write(bytes);
    }

    /// <summary>Puts content at its place, in any order and from several threads; every byte once. Not mixed with <see cref="Write"/>.</summary>
    /// <exception cref="CorruptObjectException">Beyond the announced size.</exception>
    public void WriteAt(long offset, ReadOnlySpan<byte> bytes)
    {
        if (offset < 0 || bytes.Length > _size - offset)
            throw new CorruptObjectException(Subject, $"more than the announced {_size} bytes");
        _isInOrder = false;
        RandomAccess.Write(_handle, bytes, offset);
        Interlocked.Add(ref _received, bytes.Length);
    }

    /// <summary>Hands the file to the pull's batch, with all its metadata variants.</summary>
    /// <returns>What it turned out to be.</returns>
    /// <exception cref="CorruptObjectException">Fewer bytes than announced.</exception>
    public ObjectId Complete()
    {
        if (_received != _size)
            throw new CorruptObjectException(Subject, $"{_received} bytes instead of {_size}");
        var id = _isInOrder ? new ObjectId(_hash.GetHashAndReset()) : HashFile();
        var file = new StoredFile(id, _variants[0].Digest());
        if (!_pull.Contains(file))
            Keep(file);
        foreach (var other in _variants.Skip(1))
        {
            if (!_pull.Contains(new StoredFile(id, other.Digest())))
                _pull.AddVariant(file, _size, other);
        }
        return id;
    }

    public void Dispose()
    {
        _handle.Dispose();
        _hash.Dispose();
        if (!_isKept)
            Posix.UnlinkAt(_pull.Store.Incoming, _name);
    }

    private string Subject => Encoding.ASCII.GetString(_name);

    private ObjectId HashFile()
    {
        Posix.Rewind(_handle, Subject);
        return ContentHash.Of(_handle, Subject);
    }

    private void Keep(StoredFile file)
    {
        if (_isInOrder)
            _output.Finish();
        _pull.Store.Inodes.Apply(_handle, _variants[0], isDirectory: false, Subject);
        _handle.Dispose();
        Posix.RenameAt(_pull.Store.Incoming, _name, _pull.Store.Incoming, file.FlatName);
        _isKept = true;
        _pull.Keep(file, _size);
    }
}
