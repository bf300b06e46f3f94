using System.Text;

namespace ContentTree.BootFile;

/// <summary>
/// The paths that a deployment takes from the device's data, beside /var: what <c>deploy.data</c> said when it was made, one a line in
/// <c>NAME.data</c>. Each leads below the root of the tree and below <c>/ctree/data</c> by directories alone.
/// </summary>
public static class DataPaths
{
    /// <summary>Paths that a device may declare.</summary>
    public const int Max = 32;

    private const int MaxLength = 512;
    private const int MaxName = 255;

    // Their content is somebody else's: the kernel's, the agent's, or that of each deployment alone.
    private static readonly string[] Mounted = ["ctree", "proc", "sys", "dev", "run", "tmp", "var", "etc"];

    // Hidden as a whole the tree would not boot; what is below them may be declared.
    private static readonly string[] Needed = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "boot"];

    /// <summary>What is wrong with such a list, or "".</summary>
    public static string Problem(IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        if (paths.Count > Max)
            return $"names {paths.Count} paths, and {Max} are the most";
        for (var i = 0; i < paths.Count; i++)
        {
            if (Problem(paths[i]) is { Length: > 0 } problem)
                return problem;
            for (var j = 0; j < i; j++)
            {
                if (Overlap(paths[i], paths[j]))
                    return $"has '{Text.Printable(paths[i])}' and '{Text.Printable(paths[j])}', which are the same or one below the other";
            }
        }
        return "";
    }

    /// <summary>What a deployment takes from the data; nothing where the list is missing or is none. Never throws.</summary>
    public static IReadOnlyList<string> Read(DeviceLayout layout, DeploymentName name)
    {
        ArgumentNullException.ThrowIfNull(layout);
        if (RegularFile.TryReadAll(layout.DataPaths(name), Max * (MaxLength + 1)) is not { Length: > 0 } bytes || bytes[^1] != '\n')
            return [];
        var paths = Encoding.UTF8.GetString(bytes, 0, bytes.Length - 1).Split('\n');
        return Problem(paths).Length == 0 ? paths : [];
    }

    /// <summary>The file's text.</summary>
    public static string Format(IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var text = new StringBuilder();
        foreach (var path in paths)
            text.Append(path).Append('\n');
        return text.ToString();
    }

    /// <summary>Whether a path is one of the list, or on the way to one.</summary>
    public static bool LeadsTo(IReadOnlyList<string> paths, string path)
    {
        ArgumentNullException.ThrowIfNull(paths);
        foreach (var declared in paths)
        {
            if (declared == path || declared.StartsWith(path + "/", StringComparison.Ordinal))
                return true;
        }
        return false;
    }

    private static string Problem(string path)
    {
        var shown = $"'{Text.Printable(path)}'";
        if (Encoding.UTF8.GetByteCount(path) > MaxLength)
            return $"has {shown}, which is longer than {MaxLength} bytes";
        var names = path.Split('/');
        foreach (var name in names)
        {
            if (name.Length == 0 || name is "." or ".." || Encoding.UTF8.GetByteCount(name) > MaxName || HasControl(name))
                return $"has {shown}, which is no path below the root like 'opt/logs'";
        }
        if (Array.IndexOf(Mounted, names[0]) >= 0 || (names.Length == 1 && Array.IndexOf(Needed, names[0]) >= 0))
            return $"has {shown}, which is never the device's own data";
        // Beside what is declared, /ctree/data holds the values for applications, and what is being made.
        return names[0] == "configuration" || names[0].StartsWith(".new-", StringComparison.Ordinal) ? $"has {shown}, and /ctree/data/{names[0]} is something else" : "";
    }

    private static bool HasControl(string name)
    {
        foreach (var c in name)
        {
            // What was no text in a file has become this letter.
            if (char.IsControl(c) || c == '\ufffd')
                return true;
        }
        return false;
    }

    private static bool Overlap(string a, string b) =>
        a == b || a.StartsWith(b + "/", StringComparison.Ordinal) || b.StartsWith(a + "/", StringComparison.Ordinal);
}
