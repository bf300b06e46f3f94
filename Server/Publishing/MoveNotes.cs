using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Publishing;

/// <summary>
/// What people wrote beside the positions of branches: <c>repo/moves/(branch)/(sequence).json</c>, each written once after its head. The heads
/// are the truth; a note that is missing costs a line in the history.
/// </summary>
internal sealed class MoveNotes(DataDirectory data)
{
    private const int MaxBytes = 16 * 1024;

    private readonly string _path = Path.Combine(data.Repository.Path, "moves");

    public void Write(BranchName branch, long sequence, BranchMove move)
    {
        var folder = Path.Combine(_path, branch.ToString());
        Directory.CreateDirectory(folder);
        using var directory = Posix.OpenDirectory(folder);
        var note = new JsonObject { ["by"] = move.By, ["reason"] = move.Reason, ["verb"] = move.Verb };
        DurableFiles.TryCreate(directory, FileOf(sequence), JsonSerializer.SerializeToUtf8Bytes(note));
    }

    /// <summary>The note of a position, or null.</summary>
    public BranchMove? Read(BranchName branch, long sequence)
    {
        var folder = Path.Combine(_path, branch.ToString());
        if (!Directory.Exists(folder))
            return null;
        using var directory = Posix.OpenDirectory(folder);
        try
        {
            return DurableFiles.TryRead(directory, FileOf(sequence), MaxBytes) is { } json && JsonNode.Parse(json) is JsonObject note
                ? new BranchMove(note["verb"]?.GetValue<string>() ?? "", note["by"]?.GetValue<string>() ?? "", note["reason"]?.GetValue<string>() ?? "")
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static byte[] FileOf(long sequence) => Encoding.ASCII.GetBytes(sequence.ToString(CultureInfo.InvariantCulture) + ".json");
}
