using System.Globalization;
using System.Text;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Fleet.Expected;

/// <summary>
/// Reads a list of devices that are to be let in: a line each, its words parted by spaces, tabs or commas. First the serial, then any of
/// <c>key=</c> with the SHA-256 of the public key, <c>group=NAME</c> and <c>label.NAME=VALUE</c>. Lines that are empty or begin with '#' say nothing.
/// </summary>
internal static class ExpectedList
{
    public const int MaxLines = 100_000;

    private const int MaxLine = 1000;
    private const int MaxWord = 200;
    private const int MaxOfOne = 16;
    private const string LabelPrefix = "label.";

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly char[] Between = [' ', '\t', ','];

    /// <exception cref="FormatException">A line is wrong; nothing of the list counts then.</exception>
    public static IReadOnlyList<ExpectedDevice> Parse(ReadOnlySpan<byte> list)
    {
        var text = Decode(list);
        var (devices, known, number) = (new List<ExpectedDevice>(), new Dictionary<string, int>(StringComparer.Ordinal), 0);
        foreach (var range in text.AsSpan().Split('\n'))
        {
            var line = text.AsSpan()[range].TrimEnd('\r').Trim(" \t,");
            if (++number > MaxLines)
                throw new FormatException($"more than {MaxLines} lines; part the list");
            if (line.IsEmpty || line[0] == '#')
                continue;
            var device = ParseLine(line, number);
            if (!known.TryAdd(device.Serial, number))
                throw Wrong(number, $"serial {device.Serial} stands in line {known[device.Serial]} already");
            devices.Add(device);
        }
        return devices.Count > 0 ? devices : throw new FormatException("no device in this list; a line each: SERIAL [key=SHA256] [group=NAME]... [label.NAME=VALUE]...");
    }

    public static FormatException Wrong(int line, string what) => new($"line {line}: {what}; nothing of the list was taken");

    private static string Decode(ReadOnlySpan<byte> list)
    {
        try
        {
            return Strict.GetString(list).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException e)
        {
            throw new FormatException("the list is no UTF-8 text", e);
        }
    }

    private static ExpectedDevice ParseLine(ReadOnlySpan<char> line, int number)
    {
        if (line.Length > MaxLine)
            throw Wrong(number, $"longer than {MaxLine} characters");
        foreach (var letter in line)
        {
            // Also what turns the direction of text: a person compares serials by eye.
            if (letter != '\t' && char.GetUnicodeCategory(letter) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate)
                throw Wrong(number, "control characters");
        }
        var words = line.ToString().Split(Between, StringSplitOptions.RemoveEmptyEntries);
        RequireSerial(words[0], number);
        ObjectId? key = null;
        var (groups, labels) = (new List<GroupName>(), new SortedDictionary<string, string>(StringComparer.Ordinal));
        foreach (var word in words.Skip(1))
        {
            var isNew = word.Split('=', 2) switch
            {
                ["key", var digits] => key is null && (key = KeyOf(digits, number)) is not null,
                ["group", var name] => AddGroup(groups, name, number),
                [var name, var value] when name.StartsWith(LabelPrefix, StringComparison.Ordinal) => labels.TryAdd(LabelOf(name[LabelPrefix.Length..], value, number), value),
                _ => throw Wrong(number, $"'{word}' is none of key=SHA256, group=NAME and label.NAME=VALUE"),
            };
            if (!isNew)
                throw Wrong(number, $"'{word}' says a thing twice");
        }
        return groups.Count <= MaxOfOne && labels.Count <= MaxOfOne
            ? new ExpectedDevice(number, words[0], key, groups, labels)
            : throw Wrong(number, $"more than {MaxOfOne} groups or labels");
    }

    private static void RequireSerial(string serial, int number)
    {
        if (serial.Length > MaxWord || serial is "." or ".." || serial.AsSpan().ContainsAny('/', '\\'))
            throw Wrong(number, $"a serial has at most {MaxWord} characters, no '/' and no '\\', and is neither '.' nor '..'");
    }

    private static ObjectId KeyOf(string digits, int number) =>
        ObjectId.TryParse(digits, out var key) ? key : throw Wrong(number, "a key's SHA-256 has 64 lower-case hex digits; 'openssl pkey -pubin -outform DER | sha256sum' prints it");

    private static bool AddGroup(List<GroupName> groups, string text, int number)
    {
        if (!GroupName.TryParse(text, out var name))
            throw Wrong(number, $"'{text}' is no group's name");
        var isNew = !groups.Contains(name);
        groups.Add(name);
        return isNew;
    }

    private static string LabelOf(string name, string value, int number) => GroupName.TryParse(name, out _) && value.Length is > 0 and <= MaxWord
        ? name
        : throw Wrong(number, $"a label is label.NAME=VALUE: a name of letters, digits, '.', '_' and '-', and 1 to {MaxWord} characters");
}
