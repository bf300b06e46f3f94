using ContentTree.Store.Objects;

namespace ContentTree.Store.Trees;

/// <summary>
/// What a source's <c>.ctreeignore</c> files leave out, by the rules of gitignore(5): the last matching line of the innermost file decides,
/// and what is in a directory that was left out cannot come back.
/// </summary>
public sealed class IgnoreRules
{
    /// <summary>The name of such a file, in any directory of a source. It is not part of the tree.</summary>
    public const string FileName = ".ctreeignore";

    /// <summary>Larger ones are refused.</summary>
    public const int MaxFileBytes = 1 << 20;

    private readonly IgnoreRules? _outer;
    private readonly int _depth;
    private readonly (PathPattern Pattern, bool IsKept)[] _patterns;

    private IgnoreRules(IgnoreRules? outer, int depth, (PathPattern Pattern, bool IsKept)[] patterns) => (_outer, _depth, _patterns) = (outer, depth, patterns);

    /// <summary>Leaves nothing out.</summary>
    public static IgnoreRules None { get; } = new(null, 0, []);

    /// <summary>The rules inside a directory that has such a file.</summary>
    /// <param name="directory">Where it stands.</param>
    public IgnoreRules Within(EntryPath directory, ReadOnlySpan<byte> file)
    {
        var patterns = new List<(PathPattern, bool)>();
        foreach (var range in file.Split((byte)'\n'))
        {
            var line = Trimmed(file[range]);
            if (line.IsEmpty || line[0] == '#')
                continue;
            var isKept = line[0] == '!';
            if (PathPattern.Parse(isKept ? line[1..] : line) is { } pattern)
                patterns.Add((pattern, isKept));
        }
        return new IgnoreRules(this, directory.Names.Count, [.. patterns]);
    }

    /// <param name="path">Whose directories were asked about before: this is about its last name.</param>
    public bool IsIgnored(EntryPath path, bool isDirectory)
    {
        var names = path.Names.ToArray();
        for (var rules = this; rules is not null; rules = rules._outer)
        {
            for (var i = rules._patterns.Length - 1; i >= 0; i--)
            {
                if (rules._patterns[i].Pattern.Matches(names.AsSpan(rules._depth), isDirectory))
                    return !rules._patterns[i].IsKept;
            }
        }
        return false;
    }

    // Spaces at the end mean nothing unless one is escaped; so does the carriage return of another system.
    private static ReadOnlySpan<byte> Trimmed(ReadOnlySpan<byte> line)
    {
        line = line.TrimEnd((byte)'\r');
        while (line.EndsWith(" "u8) && !line.EndsWith("\\ "u8))
            line = line[..^1];
        return line;
    }
}
