using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace ContentTree.Server.Backups;

/// <summary>One hash over a backup's files in their order: each one's name, length and bytes. Objects have their own.</summary>
internal sealed class BackupHash : IDisposable
{
    private const int BufferBytes = 256 * 1024;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>How many files there were.</summary>
    public long Files { get; private set; }

    public void Add(string name, ReadOnlySpan<byte> content)
    {
        Begin(name, content.Length);
        _hash.AppendData(content);
    }

    /// <param name="copy">Takes the bytes as they come.</param>
    public void Add(string name, long length, Stream content, Action<ReadOnlySpan<byte>>? copy = null)
    {
        Begin(name, length);
        var buffer = new byte[BufferBytes];
        for (int count; (count = content.Read(buffer)) > 0;)
        {
            _hash.AppendData(buffer, 0, count);
            copy?.Invoke(buffer.AsSpan(0, count));
        }
    }

    public string Finish() => Convert.ToHexStringLower(_hash.GetHashAndReset());

    public void Dispose() => _hash.Dispose();

    private void Begin(string name, long length)
    {
        Span<byte> size = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(size, length);
        _hash.AppendData(Encoding.UTF8.GetBytes(name + '\n'));
        _hash.AppendData(size);
        Files++;
    }
}
