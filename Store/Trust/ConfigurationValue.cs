using System.Globalization;
using System.Text;
using System.Text.Json;
using ContentTree.Store.Json;

namespace ContentTree.Store.Trust;

/// <summary>One value of a device's configuration; its text fits its type.</summary>
public sealed record ConfigurationValue
{
    /// <summary>The longest value, in bytes of UTF-8.</summary>
    public const int MaxBytes = 4096;

    private const int MaxDepth = 16;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly Words<ConfigurationType> Types = new(
        (ConfigurationType.Text, "text"), (ConfigurationType.Number, "integer"), (ConfigurationType.Flag, "boolean"), (ConfigurationType.Json, "json"));

    /// <exception cref="FormatException">The text is none of that type; it is not repeated, as it may be a secret.</exception>
    public ConfigurationValue(ConfigurationType type, string text, bool isSecret)
    {
        Require(type, text);
        (Type, Text, IsSecret) = (type, text, isSecret);
    }

    /// <summary>What it is.</summary>
    public ConfigurationType Type { get; }

    /// <summary>What it says, whatever its type.</summary>
    public string Text { get; }

    /// <summary>On the device only root reads it.</summary>
    public bool IsSecret { get; }

    /// <summary>The word of a type.</summary>
    public static string Word(ConfigurationType type) => Types.Of(type);

    /// <exception cref="FormatException">The word of no type.</exception>
    public static ConfigurationType TypeOf(string? word) =>
        TryType(word ?? "", out var type) ? type : throw new FormatException($"'{word}' is none of text, integer, boolean and json");

    internal static bool TryType(string word, out ConfigurationType type) => Types.TryParse(word, out type);

    // A record's own would show secrets.
    public override string ToString() => IsSecret ? $"{Word(Type)}, secret" : $"{Word(Type)} {Text}";

    private static void Require(ConfigurationType type, string text)
    {
        if (Bytes(text) > MaxBytes)
            throw new FormatException($"the value is longer than {MaxBytes} bytes");
        if (text.Any(c => char.IsControl(c) && c is not ('\n' or '\t')))
            throw new FormatException("the value has control characters other than line feeds and tabs");
        if (type == ConfigurationType.Number && !IsInteger(text))
            throw new FormatException($"the value is no integer: digits without a zero before them, at most {CanonicalJson.MaxInteger} and at least -{CanonicalJson.MaxInteger}");
        if (type == ConfigurationType.Flag && text is not ("true" or "false"))
            throw new FormatException("the value is neither true nor false");
        if (type == ConfigurationType.Json)
            RequireJson(text);
    }

    private static int Bytes(string text)
    {
        try
        {
            return StrictUtf8.GetByteCount(text);
        }
        catch (EncoderFallbackException)
        {
            throw new FormatException("the value has a lone surrogate");
        }
    }

    private static bool IsInteger(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && Math.Abs((decimal)number) <= CanonicalJson.MaxInteger &&
        number.ToString(CultureInfo.InvariantCulture) == text;

    private static void RequireJson(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = MaxDepth });
        }
        catch (JsonException e)
        {
            throw new FormatException($"the value is not JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine}), or deeper than {MaxDepth}");
        }
    }
}
