namespace ContentTree.Store.Json;

/// <summary>Takes an object apart field by field: each asked for must be there with its type, and <see cref="End"/> refuses the rest.</summary>
internal sealed class JsonFields
{
    private readonly IReadOnlyDictionary<string, JsonValue> _fields;
    private readonly string _where;
    private int _taken;

    /// <param name="value">Must be an object.</param>
    /// <param name="where">What it is, for messages.</param>
    /// <exception cref="FormatException">The value is no object.</exception>
    public JsonFields(JsonValue value, string where)
    {
        _where = where;
        _fields = value is JsonValue.Object o ? o.Fields : throw new FormatException($"{where} is not an object");
    }

    public bool Bool(string name) => Take<JsonValue.Bool>(name, "true or false").Value;

    public long Integer(string name) => Take<JsonValue.Integer>(name, "a number").Value;

    public string Text(string name) => Take<JsonValue.Text>(name, "a string").Value;

    public JsonValue Any(string name) => Take<JsonValue>(name, "a value");

    public JsonFields Object(string name) => new(Take<JsonValue.Object>(name, "an object"), $"{_where}.{name}");

    /// <summary>Reads a field's text with a parser that says no by returning false.</summary>
    public T Parsed<T>(string name, TryParser<T> parse, string expected) =>
        parse(Text(name), out var value) ? value : throw new FormatException($"{_where}.{name} is not {expected}");

    /// <summary>The items of a list, converted; the name of each for messages is <c>where.name[i]</c>.</summary>
    public List<T> List<T>(string name, int max, Func<JsonValue, string, T> convert)
    {
        var items = Take<JsonValue.List>(name, "a list").Items;
        if (items.Count > max)
            throw new FormatException($"{_where}.{name} has {items.Count} items, more than {max}");
        return [.. items.Select((item, i) => convert(item, $"{_where}.{name}[{i}]"))];
    }

    /// <summary>The fields of an object used as a map.</summary>
    public IReadOnlyDictionary<string, JsonValue> Map(string name, int max)
    {
        var map = Take<JsonValue.Object>(name, "an object").Fields;
        return map.Count <= max ? map : throw new FormatException($"{_where}.{name} has {map.Count} entries, more than {max}");
    }

    /// <summary>Refuses fields that nobody asked for.</summary>
    /// <exception cref="FormatException">There are some.</exception>
    public void End()
    {
        if (_taken != _fields.Count)
            throw new FormatException($"{_where} has {_fields.Count - _taken} unknown fields");
    }

    public static string TextItem(JsonValue value, string where) =>
        value is JsonValue.Text t ? t.Value : throw new FormatException($"{where} is not a string");

    private T Take<T>(string name, string expected) where T : JsonValue
    {
        if (!_fields.TryGetValue(name, out var value))
            throw new FormatException($"{_where}.{name} is missing");
        _taken++;
        return value as T ?? throw new FormatException($"{_where}.{name} is not {expected}");
    }

    internal delegate bool TryParser<T>(string text, out T value);
}
