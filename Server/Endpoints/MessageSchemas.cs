using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Endpoints;

/// <summary>JSON schemas of messages, by their names: what the serialiser itself reads and writes.</summary>
internal sealed class MessageSchemas
{
    private const string Hex = "[0-9a-f]";

    private readonly SortedDictionary<string, JsonNode> _made = new(StringComparer.Ordinal);

    /// <summary>A reference to a message's schema.</summary>
    public JsonObject Of(Type type)
    {
        if (!_made.ContainsKey(type.Name))
        {
            // Before it is made: a message may contain its own kind.
            _made[type.Name] = new JsonObject();
            var options = new JsonSchemaExporterOptions { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Transform };
            _made[type.Name] = JsonSchemaExporter.GetJsonSchemaAsNode(ProtocolJson.Default.Options, type, options);
        }
        return new JsonObject { ["$ref"] = $"#/components/schemas/{type.Name}" };
    }

    /// <summary>All that were asked for, with those that they are made of.</summary>
    public JsonObject Take() => new(_made.Select(made => KeyValuePair.Create(made.Key, (JsonNode?)made.Value)));

    private JsonNode Transform(JsonSchemaExporterContext context, JsonNode schema)
    {
        var type = Nullable.GetUnderlyingType(context.TypeInfo.Type) ?? context.TypeInfo.Type;
        var isNullable = context.PropertyInfo is { IsGetNullable: true };
        if (Known(type) is { } known)
            return known;
        if (type.Namespace == typeof(ProtocolJson).Namespace && context.TypeInfo.Kind == JsonTypeInfoKind.Object && !context.Path.IsEmpty)
            return Of(type);
        if (schema is not JsonObject made)
            return schema;
        // An absent field is one that was not said; nobody writes null.
        if (isNullable && made["type"] is JsonArray types)
            made["type"] = types.Select(t => t!.GetValue<string>()).First(t => t != "null");
        if (made["type"] is JsonArray)
            made["type"] = "object";
        if (made["properties"] is JsonObject properties)
        {
            foreach (var property in context.TypeInfo.Properties)
                Mend(properties, property);
        }
        return made;
    }

    // What a converter of ours writes the exporter does not know, and it leaves out what may be anything before it asks.
    private static void Mend(JsonObject properties, JsonPropertyInfo property)
    {
        if (Known(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType) is { } known)
            properties[property.Name] = known;
        else if (property.PropertyType is { IsGenericType: true } list && Known(list.GetGenericArguments()[0]) is { } item && properties[property.Name] is JsonObject array)
            array["items"] = item;
        (properties[property.Name] as JsonObject)?.Remove("default");
    }

    private static JsonObject? Known(Type type) =>
        type == typeof(ObjectId) ? Text($"^{Hex}{{64}}$") :
        type == typeof(KeyId) ? Text($"^{Hex}{{16}}$") :
        type == typeof(ObjectName) ? Text($"^{Hex}{{64}}\\.(file|tree|commit)$") :
        type == typeof(BranchName) ? Text("^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$") :
        type == typeof(ConfigurationKey) ? Text("^[a-z][a-z0-9]*(_[a-z0-9]+)*(\\.[a-z][a-z0-9]*(_[a-z0-9]+)*)*$") :
        type == typeof(DateTimeOffset) ? new JsonObject { ["type"] = "string", ["format"] = "date-time" } :
        type == typeof(RawJson) ? new JsonObject { ["type"] = "object", ["description"] = "A signed statement (docs/format/statement.md)." } :
        type == typeof(DeviceState) ? new JsonObject { ["type"] = "string", ["enum"] = new JsonArray("pending", "accepted", "rejected") } :
        type == typeof(long) || type == typeof(int) ? new JsonObject { ["type"] = "integer", ["format"] = type == typeof(long) ? "int64" : "int32" } :
        null;

    private static JsonObject Text(string pattern) => new() { ["type"] = "string", ["pattern"] = pattern };
}
