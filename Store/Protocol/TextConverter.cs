using System.Text.Json;
using System.Text.Json.Serialization;

namespace ContentTree.Store.Protocol;

/// <summary>A type that travels as its text and is parsed at the edge.</summary>
public abstract class TextConverter<T> : JsonConverter<T> where T : struct
{
    public sealed override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && TryParse(reader.GetString() ?? "", out var value)
            ? value
            : throw new JsonException($"not a {typeof(T).Name}");

    public sealed override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());

    protected abstract bool TryParse(string text, out T value);
}
