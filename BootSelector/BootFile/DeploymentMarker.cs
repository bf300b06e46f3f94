using System.Text;

namespace ContentTree.BootFile;

/// <summary>
/// What <c>&lt;name&gt;.ok</c> says. The file is written last and removed first, so a deployment that has one is complete.
/// </summary>
/// <param name="Commit">The full commit id, 64 lower-case hex digits.</param>
/// <param name="Assets">The name of its kernel and initramfs in /boot, or "" when it brings none.</param>
public sealed record DeploymentMarker(string Commit, string Assets)
{
    private const int MaxSize = 4096;
    private const int CommitSize = 64;

    public override string ToString() => Format();

    /// <summary>The file's text.</summary>
    public string Format() => $"commit={Commit}\nassets={Assets}\n";

    /// <summary>Reads the marker's text; unknown keys are left alone, and the commit must be the one the name says.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, DeploymentName name, out DeploymentMarker? marker)
    {
        marker = null;
        string? commit = null;
        var assets = "";
        foreach (var range in text.Split('\n'))
        {
            if (!Text.TrySplit(text[range], out var key, out var value))
                continue;
            if (key is "commit")
                commit ??= value.ToString();
            else if (key is "assets")
                assets = value.ToString();
        }
        if (commit is not { Length: CommitSize } || !Text.IsLowerHex(commit) || !commit.StartsWith(name.CommitPrefix, StringComparison.Ordinal))
            return false;
        marker = new DeploymentMarker(commit, assets);
        return true;
    }

    /// <summary>The marker in <paramref name="path"/>, or null when there is none that fits the name.</summary>
    public static DeploymentMarker? Read(string path, DeploymentName name)
    {
        var bytes = RegularFile.TryReadAll(path, MaxSize);
        return bytes is not null && TryParse(Encoding.ASCII.GetString(bytes), name, out var marker) ? marker : null;
    }
}
