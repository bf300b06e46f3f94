using ContentTree.Store.Objects;

namespace ContentTree.Store.Trees;

/// <summary>
/// A pattern of paths as gitignore(5) has them: '*' and '?' stay inside a name, '**' spans directories, a '/' that is not the last byte
/// ties it to where it stands, a '/' at its end means directories only. Names are bytes.
/// </summary>
internal sealed class PathPattern
{
    private static readonly byte[] AnyDepth = "**"u8.ToArray();

    private readonly byte[][] _segments;
    private readonly bool _isDirectoryOnly;

    private PathPattern(byte[][] segments, bool isDirectoryOnly) => (_segments, _isDirectoryOnly) = (segments, isDirectoryOnly);

    /// <summary>Null for a pattern that matches nothing: an empty one, or one that ends within an escape.</summary>
    public static PathPattern? Parse(ReadOnlySpan<byte> text)
    {
        var isDirectoryOnly = text.EndsWith("/"u8);
        var body = isDirectoryOnly ? text[..^1] : text;
        var isTied = body.Contains((byte)'/');
        var segments = new List<byte[]>();
        if (!isTied)
            segments.Add(AnyDepth);
        foreach (var range in body.Split((byte)'/'))
        {
            if (!body[range].IsEmpty)
                segments.Add(body[range].ToArray());
        }
        return segments.Count == (isTied ? 0 : 1) || body.EndsWith("\\"u8) ? null : new PathPattern([.. segments], isDirectoryOnly);
    }

    /// <summary>The path, when the pattern stands for a single one; else null.</summary>
    public EntryPath? Literal()
    {
        if (_segments.Length > Tree.MaxDepth || _segments[0] == AnyDepth || _segments.Any(s => s.AsSpan().IndexOfAny("*?["u8) >= 0))
            return null;
        return _segments.Aggregate(EntryPath.Root, (path, segment) => path.Append(EntryName.Create(Unescaped(segment))));
    }

    /// <param name="path">From where the pattern stands.</param>
    public bool Matches(ReadOnlySpan<EntryName> path, bool isDirectory) => (isDirectory || !_isDirectoryOnly) && Matches(_segments, path);

    // As for '*' within a name: on a failure the last '**' takes one more directory, so that no pattern takes longer than path times pattern.
    private static bool Matches(ReadOnlySpan<byte[]> segments, ReadOnlySpan<EntryName> path)
    {
        int s = 0, p = 0, starAt = -1, starPath = 0;
        while (p < path.Length)
        {
            if (s < segments.Length && segments[s].AsSpan().SequenceEqual(AnyDepth))
                (starAt, starPath) = (s++, p);
            else if (s < segments.Length && MatchesName(segments[s], path[p].Bytes))
                (s, p) = (s + 1, p + 1);
            else if (starAt >= 0)
                (s, p) = (starAt + 1, ++starPath);
            else
                return false;
            // "a/**" is everything inside a, not a itself.
            if (s == segments.Length && p < path.Length && starAt == s - 1)
                return true;
        }
        return s == segments.Length;
    }

    private static bool MatchesName(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> name)
    {
        int p = 0, n = 0, starAt = -1, starName = 0;
        while (n < name.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
                (starAt, starName) = (p++, n);
            else if (p < pattern.Length && TryMatchOne(pattern[p..], name[n], out var used))
                (p, n) = (p + used, n + 1);
            else if (starAt >= 0)
                (p, n) = (starAt + 1, ++starName);
            else
                return false;
        }
        while (p < pattern.Length && pattern[p] == '*')
            p++;
        return p == pattern.Length;
    }

    private static bool TryMatchOne(ReadOnlySpan<byte> pattern, byte value, out int used)
    {
        used = 1;
        switch (pattern[0])
        {
            case (byte)'?':
                return true;
            case (byte)'\\' when pattern.Length > 1:
                used = 2;
                return pattern[1] == value;
            case (byte)'[':
                return IsInClass(pattern, value, out used);
            default:
                return pattern[0] == value;
        }
    }

    // As git's wildmatch: a ']' directly behind '[' or '[!' is one of the class, '\\' escapes, and a class without an end matches nothing.
    private static bool IsInClass(ReadOnlySpan<byte> pattern, byte value, out int used)
    {
        var at = pattern.Length > 1 && pattern[1] is (byte)'!' or (byte)'^' ? 2 : 1;
        var (isNegated, isIn, first) = (at == 2, false, at);
        for (; at < pattern.Length; at++)
        {
            if (pattern[at] == ']' && at > first)
            {
                used = at + 1;
                return isIn != isNegated;
            }
            if (pattern[at..].StartsWith("[:"u8) && pattern[at..].IndexOf(":]"u8) is >= 2 and var length)
            {
                if (!IsOfKind(pattern.Slice(at + 2, length - 2), value, ref isIn))
                    break;
                at += length + 1;
                continue;
            }
            var low = Unescaped(pattern, ref at);
            var high = low;
            if (at + 2 < pattern.Length && pattern[at + 1] == '-' && pattern[at + 2] != ']')
            {
                at += 2;
                high = Unescaped(pattern, ref at);
            }
            isIn |= value >= low && value <= high;
        }
        used = pattern.Length;
        return false;
    }

    private static byte Unescaped(ReadOnlySpan<byte> pattern, ref int at) => pattern[at] == '\\' && at + 1 < pattern.Length ? pattern[++at] : pattern[at];

    // The kinds of POSIX, for ASCII; false for none of them.
    private static bool IsOfKind(ReadOnlySpan<byte> kind, byte value, ref bool isIn)
    {
        var c = (char)value;
        bool? isOne = System.Text.Encoding.ASCII.GetString(kind) switch
        {
            "alnum" => char.IsAsciiLetterOrDigit(c),
            "alpha" => char.IsAsciiLetter(c),
            "blank" => c is ' ' or '\t',
            "cntrl" => c is < ' ' or '\x7f',
            "digit" => char.IsAsciiDigit(c),
            "graph" => c is > ' ' and < '\x7f',
            "lower" => char.IsAsciiLetterLower(c),
            "print" => c is >= ' ' and < '\x7f',
            "punct" => char.IsBetween(c, '!', '~') && !char.IsAsciiLetterOrDigit(c),
            "space" => c is ' ' or (>= '\t' and <= '\r'),
            "upper" => char.IsAsciiLetterUpper(c),
            "xdigit" => char.IsAsciiHexDigit(c),
            _ => null,
        };
        isIn |= isOne == true;
        return isOne is not null;
    }

    private static byte[] Unescaped(byte[] segment)
    {
        var plain = new List<byte>(segment.Length);
        for (var i = 0; i < segment.Length; i++)
            plain.Add(segment[i] == '\\' && i + 1 < segment.Length ? segment[++i] : segment[i]);
        return [.. plain];
    }
}
