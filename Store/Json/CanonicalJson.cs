using System.Text.Json;

namespace ContentTree.Store.Json;

/// <summary>
/// The one JSON spelling that is hashed and signed: UTF-8, keys sorted by their bytes, no white space, whole numbers, the
/// shortest escapes. Anything else is refused, so equal values have equal bytes (docs/format/commit.md).
/// </summary>
internal static class CanonicalJson
{
    /// <summary>Objects and lists inside each other, at most.</summary>
    public const int MaxDepth = 16;

    /// <summary>Every JSON tool keeps whole numbers exact up to here (2^53 - 1); larger ones are refused.</summary>
    public const long MaxInteger = (1L << 53) - 1;

    /// <exception cref="FormatException">The value has no canonical encoding: NUL, a lone surrogate, too deep, too large a number.</exception>
    public static byte[] Encode(JsonValue value) => CanonicalJsonWriter.Write(value);

    /// <param name="utf8">The whole text.</param>
    /// <param name="maxBytes">The longest text to look at.</param>
    /// <exception cref="FormatException">Not JSON, or not the canonical spelling of it.</exception>
    public static JsonValue Decode(ReadOnlySpan<byte> utf8, int maxBytes)
    {
        if (utf8.Length > maxBytes)
            throw new FormatException($"{utf8.Length} bytes, more than {maxBytes}");
        var value = Parse(utf8);
        if (!Encode(value).AsSpan().SequenceEqual(utf8))
            throw new FormatException("not canonical JSON: sorted keys, no white space, shortest escapes");
        return value;
    }

    private static JsonValue Parse(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            reader.Read();
            var value = Value(ref reader);
            // Throws when something follows.
            reader.Read();
            return value;
        }
        catch (JsonException e)
        {
            throw new FormatException($"not JSON: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            // The reader looks at a string's UTF-8 and surrogates only when the string is taken.
            throw new FormatException("not JSON: a string is not valid UTF-8", e);
        }
    }

    private static JsonValue Value(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.StartObject => Object(ref reader),
        JsonTokenType.StartArray => List(ref reader),
        JsonTokenType.String => new JsonValue.Text(reader.GetString()!),
        JsonTokenType.Number when reader.TryGetInt64(out var number) => new JsonValue.Integer(number),
        JsonTokenType.True => new JsonValue.Bool(true),
        JsonTokenType.False => new JsonValue.Bool(false),
        JsonTokenType.Number => throw new FormatException("a number is not whole or too large"),
        var other => throw new FormatException($"{other} is not allowed"),
    };

    private static JsonValue.Object Object(ref Utf8JsonReader reader)
    {
        var fields = new Dictionary<string, JsonValue>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (!fields.TryAdd(name, Value(ref reader)))
                throw new FormatException($"key '{name}' twice");
        }
        return new JsonValue.Object(fields);
    }

    private static JsonValue.List List(ref Utf8JsonReader reader)
    {
        var items = new List<JsonValue>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            items.Add(Value(ref reader));
        return new JsonValue.List(items);
    }
}
