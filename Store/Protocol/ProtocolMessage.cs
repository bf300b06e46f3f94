using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace ContentTree.Store.Protocol;

/// <summary>Reads a message that somebody else wrote. The serialiser refuses null where a field cannot be null, but lets it pass within a list.</summary>
public static class ProtocolMessage
{
    /// <exception cref="JsonException">It is no such message.</exception>
    public static T Parse<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type)
    {
        ArgumentNullException.ThrowIfNull(type);
        RequireItems(json, type.Options.MaxDepth);
        return JsonSerializer.Deserialize(json, type) ?? throw new JsonException("the message is null");
    }

    private static void RequireItems(ReadOnlySpan<byte> json, int maxDepth)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = maxDepth });
        // Whether what stands at a depth is a list.
        var isList = new bool[maxDepth + 1];
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.StartArray or JsonTokenType.StartObject)
                isList[reader.CurrentDepth + 1] = reader.TokenType == JsonTokenType.StartArray;
            else if (reader.TokenType == JsonTokenType.Null && isList[reader.CurrentDepth])
                throw new JsonException("a list has null in it");
        }
    }
}
