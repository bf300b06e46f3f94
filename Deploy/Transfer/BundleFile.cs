using System.Text;
using ContentTree.Store;
using ContentTree.Store.Protocol;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// A bundle: files of a repository in one tar archive (docs/format/bundle.md). Only where each begins is kept; none of it is trusted:
/// hashes and signatures decide, as for what comes over a network.
/// </summary>
internal sealed class BundleFile : IDisposable
{
    private const int Block = 512;

    // A head's, of the longest branch there may be, is shorter.
    private const int MaxName = 300;

    // About 40 MB of names: a larger tree travels as a delta.
    private const int MaxFiles = 200_000;

    private readonly SafeFileHandle _file;
    private readonly Dictionary<string, (long Start, long Length)> _entries = new(StringComparer.Ordinal);
    private readonly string _path;

    /// <exception cref="StoppedException">It is no bundle, or was cut off.</exception>
    public BundleFile(string path)
    {
        _path = path;
        _file = Posix.OpenForReading(path);
        try
        {
            Read();
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Open as long as the bundle is.</summary>
    public SafeFileHandle Handle => _file;

    /// <summary>Where a file of the repository begins, and its bytes; null when it is not there.</summary>
    public (long Start, long Length)? Find(string name) => _entries.TryGetValue(name, out var entry) ? entry : null;

    /// <summary>A small file of it; null when it is not there, or longer.</summary>
    public byte[]? TryRead(string name, int maxBytes)
    {
        if (Find(name) is not { } found || found.Length > maxBytes)
            return null;
        var bytes = new byte[found.Length];
        ReadExactly(found.Start, bytes);
        return bytes;
    }

    public void Dispose() => _file.Dispose();

    private void Read()
    {
        var size = RandomAccess.GetLength(_file);
        var block = new byte[Block];
        string? name = null;
        for (long at = 0; ;)
        {
            ReadExactly(at, block);
            at += Block;
            if (!block.AsSpan().ContainsAnyExcept((byte)0))
                return;
            var length = Length(block);
            if (!HasItsChecksum(block) || length > size - at)
                throw Refused("is cut off or damaged, or no bundle");
            if (block[156] == 'L')
                name = ReadName(at, length);
            else if (block[156] is not ((byte)'0' or 0))
                throw Refused("holds something that is no file");
            else
                name = Add(name ?? Text(block.AsSpan(0, 100)), at, length);
            at += (length + Block - 1) / Block * Block;
        }
    }

    private string? Add(string name, long start, long length)
    {
        if (_entries.Count == MaxFiles)
            throw Refused($"holds more than {MaxFiles} files; make one with --from");
        _entries[name] = (start, length);
        return null;
    }

    private string ReadName(long at, long length)
    {
        if (length > MaxName + 1)
            throw Refused($"holds a name of more than {MaxName} bytes");
        var name = new byte[length];
        ReadExactly(at, name);
        return Text(name);
    }

    private void ReadExactly(long at, Span<byte> bytes)
    {
        if (Posix.ReadAt(_file, at, bytes, _path) < bytes.Length)
            throw Refused("is cut off or damaged, or no bundle");
    }

    private long Length(ReadOnlySpan<byte> block)
    {
        var text = Text(block.Slice(124, 12)).Trim();
        if (text.Length is 0 or > 11 || text.Any(c => c is < '0' or > '7'))
            throw Refused("is cut off or damaged, or no bundle");
        return Convert.ToInt64(text, 8);
    }

    private static bool HasItsChecksum(ReadOnlySpan<byte> block)
    {
        var sum = 8 * ' ';
        for (var i = 0; i < Block; i++)
            sum += i is >= 148 and < 156 ? 0 : block[i];
        return Text(block.Slice(148, 8)).Trim() == Convert.ToString(sum, 8).PadLeft(6, '0');
    }

    private static string Text(ReadOnlySpan<byte> field) =>
        Encoding.ASCII.GetString(field.IndexOf((byte)0) is >= 0 and var end ? field[..end] : field);

    private StoppedException Refused(string why) => new(ExitCode.VerificationFailed, $"{_path} {why}");
}
