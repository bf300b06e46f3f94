using System.Globalization;
using System.Text;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Trees;

/// <summary>
/// What a source's <c>.ctree/metadata</c> adds to it: owners, modes, attributes, empty directories, device nodes and pipes, which git for
/// one cannot hold. The lines are in docs/operations.md "What a source cannot say".
/// </summary>
public sealed class MetadataRules
{
    /// <summary>The directory at a source's root that is about the source and not part of the tree.</summary>
    public const string DirectoryName = ".ctree";

    /// <summary>Its file with the rules.</summary>
    public const string FileName = "metadata";

    /// <summary>Where it stands in a source.</summary>
    public const string Path = $"{DirectoryName}/{FileName}";

    /// <summary>Larger ones are refused.</summary>
    public const int MaxFileBytes = 16 << 20;

    /// <summary>Of a device or pipe that a line adds without a mode.</summary>
    internal const int NodeMode = 0x180;

    private readonly List<Rule> _rules = [];

    /// <summary>Changes nothing.</summary>
    public static MetadataRules None { get; } = new();

    /// <summary>Whether there is anything to do.</summary>
    public bool IsEmpty => _rules.Count == 0;

    /// <exception cref="FormatException">A line is none of these; the message says which and why.</exception>
    public static MetadataRules Parse(ReadOnlySpan<byte> file)
    {
        var rules = new MetadataRules();
        var number = 0;
        foreach (var range in file.Split((byte)'\n'))
        {
            number++;
            var line = file[range].Trim(" \t\r"u8);
            if (line.IsEmpty || line[0] == '#')
                continue;
            try
            {
                rules._rules.Add(Rule.Parse(line));
            }
            catch (FormatException e)
            {
                throw new FormatException($"{Path}, line {number}: {e.Message}", e);
            }
        }
        return rules;
    }

    /// <summary>An entry's metadata after all lines that match it, in their order.</summary>
    public Metadata Apply(EntryPath path, bool isDirectory, Metadata metadata)
    {
        if (_rules.Count == 0)
            return metadata;
        var names = path.Names.ToArray();
        foreach (var rule in _rules)
        {
            if (names.Length == 0 ? rule.IsRoot : rule.Pattern.Matches(names, isDirectory))
                metadata = rule.Apply(metadata);
        }
        return metadata;
    }

    /// <summary>Entries that lines with a type ask for, where the source has nothing there.</summary>
    public IEnumerable<(EntryPath Path, AddedKind Kind, uint Major, uint Minor)> Added =>
        _rules.Where(r => r.Kind is not null).Select(r => (r.Literal!, r.Kind!.Value, r.Major, r.Minor));

    /// <summary>What a line may add.</summary>
    public enum AddedKind
    {
        Directory,
        CharacterDevice,
        BlockDevice,
        Fifo,
    }

    private sealed record Rule(PathPattern Pattern, bool IsRoot)
    {
        public AddedKind? Kind { get; private set; }

        public EntryPath? Literal { get; private set; }

        public uint Major { get; private set; }

        public uint Minor { get; private set; }

        private int? Mode { get; set; }

        private (uint Uid, uint Gid)? Owner { get; set; }

        private List<Xattr> Xattrs { get; } = [];

        public static Rule Parse(ReadOnlySpan<byte> line)
        {
            var words = Words(line);
            var pattern = PathPattern.Parse(words[0]);
            var isRoot = words[0] is [(byte)'/'];
            if (pattern is null && !isRoot)
                throw new FormatException("the path is no pattern");
            var rule = new Rule(pattern ?? PathPattern.Parse("/."u8)!, isRoot);
            foreach (var word in words.Skip(1))
                rule.Read(word);
            if (rule.Kind is not null && (rule.Literal = rule.Pattern.Literal()) is null)
                throw new FormatException("what is added needs one path that begins with '/', not a pattern");
            if (rule.Kind is AddedKind.CharacterDevice or AddedKind.BlockDevice && !words.Any(w => w.AsSpan().StartsWith("device="u8)))
                throw new FormatException("a device needs device=MAJOR:MINOR");
            return rule;
        }

        public Metadata Apply(Metadata metadata)
        {
            if (Mode is { } mode)
                metadata = metadata with { Mode = mode };
            if (Owner is var (uid, gid))
                metadata = metadata with { Uid = uid, Gid = gid };
            if (Xattrs.Count > 0)
                metadata = metadata with { Xattrs = Merged(metadata.Xattrs) };
            return metadata;
        }

        private List<Xattr> Merged(IReadOnlyList<Xattr> present)
        {
            var merged = present.Where(x => !Xattrs.Any(mine => mine.Name.AsSpan().SequenceEqual(x.Name))).Concat(Xattrs).ToList();
            merged.Sort((a, b) => a.Name.AsSpan().SequenceCompareTo(b.Name));
            return merged;
        }

        private void Read(byte[] word)
        {
            var equals = word.AsSpan().IndexOf((byte)'=');
            if (equals <= 0)
                throw new FormatException($"'{Posix.Display(word)}' is no KEY=VALUE");
            var (key, value) = (Encoding.UTF8.GetString(word, 0, equals), word[(equals + 1)..]);
            var text = Encoding.UTF8.GetString(value);
            switch (key)
            {
                case "mode":
                    Mode = ParseMode(text);
                    break;
                case "owner":
                    Owner = ParsePair(text, "owner=UID:GID");
                    break;
                case "device":
                    (Major, Minor) = ParsePair(text, "device=MAJOR:MINOR");
                    break;
                case "type":
                    Kind = text switch
                    {
                        "directory" => AddedKind.Directory,
                        "char" => AddedKind.CharacterDevice,
                        "block" => AddedKind.BlockDevice,
                        "fifo" => AddedKind.Fifo,
                        _ => throw new FormatException($"'{text}' is none of the types directory, char, block and fifo"),
                    };
                    break;
                case not null when key.StartsWith("xattr.", StringComparison.Ordinal):
                    AddXattr(word[6..equals], ParseValue(value));
                    break;
                default:
                    throw new FormatException($"'{key}' is none of mode, owner, type, device and xattr.NAME");
            }
        }

        private void AddXattr(byte[] name, byte[] value)
        {
            if (!Xattr.BelongsToTree(name) || Xattr.IsOverlay(name))
                throw new FormatException($"'{Posix.Display(name)}' is no attribute that a tree has");
            if (Xattrs.Exists(x => x.Name.AsSpan().SequenceEqual(name)))
                throw new FormatException($"'{Posix.Display(name)}' is said twice");
            Xattrs.Add(new Xattr(name, value));
        }

        private static int ParseMode(string text)
        {
            if (text.Length is 0 or > 5 || text.Any(c => c is < '0' or > '7') || Convert.ToInt32(text, 8) is not (>= 0 and <= Metadata.MaxMode and var mode))
                throw new FormatException($"'{text}' is no mode: octal digits up to 7777");
            return mode;
        }

        private static (uint, uint) ParsePair(string text, string form) =>
            text.Split(':') is [var a, var b] && uint.TryParse(a, NumberStyles.None, CultureInfo.InvariantCulture, out var first) &&
            uint.TryParse(b, NumberStyles.None, CultureInfo.InvariantCulture, out var second) && first < uint.MaxValue && second < uint.MaxValue
                ? (first, second)
                : throw new FormatException($"'{text}' is not {form}");

        // As getfattr writes them.
        private static byte[] ParseValue(byte[] value)
        {
            try
            {
                return Encoding.Latin1.GetString(value) switch
                {
                    ['0', 'x' or 'X', .. var hex] => Convert.FromHexString(hex),
                    ['0', 's' or 'S', .. var base64] => Convert.FromBase64String(base64),
                    _ => value,
                };
            }
            catch (FormatException)
            {
                throw new FormatException($"'{Posix.Display(value)}' is no value of an attribute: text, 0xHEX or 0sBASE64");
            }
        }

        // Apart by spaces; a space of a word has a backslash before it. Other escapes belong to the pattern.
        private static List<byte[]> Words(ReadOnlySpan<byte> line)
        {
            var words = new List<byte[]>();
            var word = new List<byte>();
            for (var i = 0; i <= line.Length; i++)
            {
                if (i < line.Length && line[i] == '\\' && i + 1 < line.Length)
                {
                    if (line[i + 1] is not ((byte)' ' or (byte)'\t'))
                        word.Add(line[i]);
                    word.Add(line[++i]);
                }
                else if (i < line.Length && line[i] is not ((byte)' ' or (byte)'\t'))
                {
                    word.Add(line[i]);
                }
                else if (word.Count > 0)
                {
                    words.Add([.. word]);
                    word.Clear();
                }
            }
            return words;
        }
    }
}
