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
            // Torn by a power cut.
            return null;
        }
    }

    public void Write(Fetched fetched)
    {
        using var state = Posix.OpenDirectory(root.Layout.State);
        var bytes = JsonSerializer.SerializeToUtf8Bytes(fetched, StateJson.Default.Fetched);
        // Beside it first: who looks, or is killed, in between finds the old one whole.
        using (var file = Posix.OpenOrCreateAt(state, ".new-fetching.json"u8, 0x1a4))
        {
            Posix.SetLength(file, bytes.Length, "fetching.json");
            Posix.WriteAt(file, 0, bytes, "fetching.json");
        }
        Posix.RenameAt(state, ".new-fetching.json"u8, state, "fetching.json"u8);
    }

    public void Remove()
    {
        using var state = Posix.OpenDirectory(root.Layout.State);
        if (Posix.StatAt(state, "fetching.json"u8) is not null)
            Posix.UnlinkAt(state, "fetching.json"u8);
    }
}
