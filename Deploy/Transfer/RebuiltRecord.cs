using System.Globalization;
using System.Text;
using ContentTree.Store;
using ContentTree.Store.Deltas;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Which content of a delta turned out to have which id, one line each: a delta does not say, and after a kill nothing is decoded
/// twice. A hint only: what the store does not have is decoded again.
/// </summary>
internal sealed class RebuiltRecord(SafeFileHandle incoming, DeltaName name) : IDisposable
{
    private const int MaxBytes = 256 * 1024 * 1024;

    private readonly byte[] _file = Encoding.ASCII.GetBytes($"{name}.rebuilt.part");
    private readonly Lock _lock = new();
    private SafeFileHandle? _handle;

    public IEnumerable<(int Content, ObjectId Id)> Read()
    {
        var lines = Encoding.ASCII.GetString(DurableFiles.TryRead(incoming, _file, MaxBytes) ?? []).Split('\n');
        foreach (var line in lines)
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            if (space > 0 && int.TryParse(line.AsSpan(0, space), NumberStyles.None, CultureInfo.InvariantCulture, out var content) &&
                ObjectId.TryParse(line.AsSpan(space + 1), out var id))
                yield return (content, id);
        }
    }

    /// <summary>Called from several threads.</summary>
    public void Add(int content, ObjectId id)
    {
        lock (_lock)
        {
            _handle ??= Posix.OpenOrCreateAt(incoming, _file, 0x180);
            RandomAccess.Write(_handle, Encoding.ASCII.GetBytes($"{content} {id}\n"), RandomAccess.GetLength(_handle));
        }
    }

    public void Remove()
    {
        if (Posix.StatAt(incoming, _file) is not null)
            Posix.UnlinkAt(incoming, _file);
    }

    public void Dispose() => _handle?.Dispose();
}
