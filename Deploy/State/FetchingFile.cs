using System.Text.Json;
using ContentTree.Store;

namespace ContentTree.Deploy.State;

/// <summary>
/// How far the running download is, <c>state/fetching.json</c>: for whoever looks meanwhile, and after a kill. Written often and never
/// flushed; gone when <c>last.json</c> says how it ended.
/// </summary>
internal sealed class FetchingFile(DeviceRoot root)
{
    private const int MaxBytes = 4096;

    /// <summary>Null when nothing is being downloaded.</summary>
    public Fetched? TryRead()
    {
        try
        {
            using var state = Posix.OpenDirectory(root.Layout.State);
            return DurableFiles.TryRead(state, "fetching.json"u8, MaxBytes) is { } bytes ? JsonSerializer.Deserialize(bytes, StateJson.Default.Fetched) : null;
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            // Read in the middle of a write, or torn by a power cut.
            return null;
        }
    }

    public void Write(Fetched fetched)
    {
        using var state = Posix.OpenDirectory(root.Layout.State);
        using var file = Posix.OpenOrCreateAt(state, "fetching.json"u8, 0x1a4);
        var bytes = JsonSerializer.SerializeToUtf8Bytes(fetched, StateJson.Default.Fetched);
        Posix.SetLength(file, bytes.Length, "fetching.json");
        Posix.WriteAt(file, 0, bytes, "fetching.json");
    }

    public void Remove()
    {
        using var state = Posix.OpenDirectory(root.Layout.State);
        if (Posix.StatAt(state, "fetching.json"u8) is not null)
            Posix.UnlinkAt(state, "fetching.json"u8);
    }
}
