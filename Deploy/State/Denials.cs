using System.Text;
using ContentTree.BootFile;
using ContentTree.Store;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.State;

/// <summary>
/// The deny list, <c>state/denied</c>: <c>(64 hex) (reason) (text)</c> lines, written here and read by the selector as well.
/// </summary>
internal sealed class Denials(DeviceRoot root)
{
    public const string FailedBoot = "failed-boot";
    public const string FailedHealth = "failed-health";
    public const string ByPerson = "denied-by-person";

    private const int MaxBytes = 1 << 20;

    public IReadOnlyList<Denial> List() => [.. Lines().Select(Parse).OfType<Denial>()];

    public Denial? Find(ObjectId commit) => List().FirstOrDefault(d => d.Commit == commit);

    /// <summary>Durable when it returns. A commit that is denied already keeps its first reason.</summary>
    public void Add(ObjectId commit, string reason, string text)
    {
        if (Find(commit) is null)
            Write([.. Lines(), $"{commit} {reason} {text.ReplaceLineEndings(" ")}"]);
    }

    /// <summary>False when it was not denied.</summary>
    public bool Remove(ObjectId commit)
    {
        var lines = Lines();
        var left = lines.Where(line => !line.StartsWith(commit.ToString(), StringComparison.Ordinal)).ToArray();
        if (left.Length == lines.Length)
            return false;
        Write(left);
        return true;
    }

    private string[] Lines()
    {
        using var state = Posix.OpenDirectory(root.Layout.State);
        var bytes = DurableFiles.TryRead(state, "denied"u8, MaxBytes);
        return bytes is null ? [] : Encoding.UTF8.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private void Write(string[] lines)
    {
        using var state = Posix.OpenDirectory(root.Layout.State);
        var bytes = Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")));
        DurableFiles.Replace(state, "denied"u8, bytes);
        if (lines.Length > 0 && !DenyList.Read(root.Layout.Denied).Contains(lines[^1][..ObjectId.HexSize]))
            throw new IOException($"{root.Layout.Denied} does not read back as written");
    }

    private static Denial? Parse(string line) =>
        line.Split(' ', 3) is [var id, var reason, .. var text] && ObjectId.TryParse(id, out var commit)
            ? new Denial(commit, reason, string.Concat(text))
            : null;
}

/// <summary>A commit that is not taken, and why.</summary>
internal sealed record Denial(ObjectId Commit, string Reason, string Text);
