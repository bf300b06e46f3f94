namespace ContentTree.Store.Json;

/// <summary>A canonical JSON value. There is no null and no fraction: what is absent is an empty text, list or object.</summary>
internal abstract record JsonValue
{
    private JsonValue()
    {
    }

    internal sealed record Bool(bool Value) : JsonValue;

    internal sealed record Integer(long Value) : JsonValue;

    internal sealed record Text(string Value) : JsonValue;

    internal sealed record List(IReadOnlyList<JsonValue> Items) : JsonValue;

    internal sealed record Object(IReadOnlyDictionary<string, JsonValue> Fields) : JsonValue;

    public static implicit operator JsonValue(bool value) => new Bool(value);

    public static implicit operator JsonValue(long value) => new Integer(value);

    public static implicit operator JsonValue(string value) => new Text(value);

    public static JsonValue ListOf<T>(IEnumerable<T> items, Func<T, JsonValue> convert) => new List([.. items.Select(convert)]);

    /// <summary>An object of the given fields; the encoder sorts them.</summary>
    public static JsonValue ObjectOf(params ReadOnlySpan<(string Name, JsonValue Value)> fields)
    {
        var map = new Dictionary<string, JsonValue>(fields.Length, StringComparer.Ordinal);
        foreach (var (name, value) in fields)
            map.Add(name, value);
        return new Object(map);
    }
}
