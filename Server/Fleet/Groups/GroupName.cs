namespace ContentTree.Server.Fleet.Groups;

/// <summary>Names a group: 1 to 64 letters, digits, '.', '_' and '-'.</summary>
internal readonly record struct GroupName
{
    private const int MaxLength = 64;

    private readonly string? _text;

    private GroupName(string text) => _text = text;

    public static bool TryParse(string? text, out GroupName name)
    {
        name = default;
        if (text is not { Length: > 0 and <= MaxLength } || !text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
            return false;
        name = new GroupName(text);
        return true;
    }

    /// <exception cref="FormatException">It is none.</exception>
    public static GroupName Parse(string? text) =>
        TryParse(text, out var name) ? name : throw new FormatException($"'{text}' is no group's name: 1 to {MaxLength} letters, digits, '.', '_' and '-'");

    public override string ToString() => _text ?? "";
}
