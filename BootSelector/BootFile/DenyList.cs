using System.Text;

namespace ContentTree.BootFile;

/// <summary>
/// The commits that failed on this device: one line each, <c>&lt;64 hex&gt; &lt;reason&gt; &lt;free text&gt;</c>. It stands
/// outside every tree. The selector only asks whether a commit is in it; lines it cannot read are passed over.
/// </summary>
public sealed class DenyList
{
    private const int MaxSize = 1 << 20;
    private const int CommitSize = 64;

    private readonly HashSet<string> _commits = new(StringComparer.Ordinal);

    /// <summary>A list without entries.</summary>
    public static DenyList Empty { get; } = new();

    /// <summary>Reads the list's first megabyte; a missing or unreadable file is an empty list, because it must not stop a boot.</summary>
    public static DenyList Read(string path)
    {
        var bytes = RegularFile.TryReadStart(path, MaxSize);
        return bytes is null ? Empty : Parse(Encoding.UTF8.GetString(bytes));
    }

    /// <summary>Reads the list's text.</summary>
    public static DenyList Parse(ReadOnlySpan<char> text)
    {
        var list = new DenyList();
        foreach (var range in text.Split('\n'))
        {
            var line = text[range];
            if (line.Length > CommitSize + 1 && line[CommitSize] == ' ' && line[CommitSize + 1] != ' ' && Text.IsLowerHex(line[..CommitSize]))
                list._commits.Add(line[..CommitSize].ToString());
        }
        return list;
    }

    /// <summary>Whether the commit, 64 lower-case hex digits, is in the list.</summary>
    public bool Contains(string commit) => _commits.Contains(commit);
}
