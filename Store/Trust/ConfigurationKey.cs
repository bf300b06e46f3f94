namespace ContentTree.Store.Trust;

/// <summary>
/// Names a value of a device's configuration: segments joined by '.', each of words of <c>[a-z0-9]</c> joined by '_', the first character a letter;
/// 64 characters at most. It is a file's name on the device, and one variable's of an environment.
/// </summary>
public readonly record struct ConfigurationKey
{
    private const int MaxLength = 64;

    private readonly string? _text;

    private ConfigurationKey(string text) => _text = text;

    /// <summary>The name of its variable: <c>network.ntp_server</c> is <c>NETWORK__NTP_SERVER</c>, and no other key's is.</summary>
    public string Variable => ToString().Replace(".", "__", StringComparison.Ordinal).ToUpperInvariant();

    public static bool TryParse(string? text, out ConfigurationKey key)
    {
        key = default;
        if (text is not { Length: > 0 and <= MaxLength } || !text.Split('.').All(IsSegment))
            return false;
        key = new ConfigurationKey(text);
        return true;
    }

    /// <exception cref="FormatException">The text is no key.</exception>
    public static ConfigurationKey Parse(string? text) => TryParse(text, out var key)
        ? key
        : throw new FormatException($"'{text}' is no configuration key: such as network.ntp_server, of lower-case letters, digits, '_' between words and '.' between names, at most {MaxLength} characters");

    /// <summary>The order in which keys are listed.</summary>
    public static Comparer<ConfigurationKey> Order { get; } = Comparer<ConfigurationKey>.Create((one, other) => string.CompareOrdinal(one._text, other._text));

    public override string ToString() => _text ?? "";

    private static bool IsSegment(string segment) =>
        segment.Length > 0 && char.IsAsciiLetterLower(segment[0]) && segment.Split('_').All(word => word.Length > 0 && word.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c)));
}
