using ContentTree.Store.Json;
using ContentTree.Store.Objects;
using static ContentTree.Store.Json.JsonValue;

namespace ContentTree.Store.Trust;

/// <summary>
/// "Device D has these values, all of them". Fleet keys sign it, with a counter of its own that of one device only rises. It is the whole
/// configuration, so what it does not name is gone.
/// </summary>
public sealed record ConfigurationStatement : Statement
{
    /// <summary>Values of one device, at most.</summary>
    public const int MaxValues = 256;

    internal const string KindWord = "configuration";

    /// <inheritdoc/>
    public override string Kind => KindWord;

    /// <summary>The device, by its key.</summary>
    public required KeyId Device { get; init; }

    /// <summary>Of one device it only ever rises.</summary>
    public required long Counter { get; init; }

    /// <summary>When it was made; kept in UTC and whole seconds.</summary>
    public required DateTimeOffset Created { get; init => field = UtcSeconds.Truncate(value); }

    /// <summary>All of its values.</summary>
    public required IReadOnlyDictionary<ConfigurationKey, ConfigurationValue> Values { get; init; }

    internal static ConfigurationStatement FromJson(JsonFields fields)
    {
        var configuration = new ConfigurationStatement
        {
            Device = fields.Parsed<KeyId>("device", KeyId.TryParse, "a key id"),
            Counter = Positive(fields, "counter"),
            Created = Time(fields, "created"),
            Expires = Time(fields, "expires"),
            Values = fields.Map("values", MaxValues).ToDictionary(f => KeyFrom(f.Key), f => ValueFrom(f.Key, f.Value)),
        };
        return configuration.Expires > configuration.Created ? configuration : throw new FormatException("signed.expires is not after signed.created");
    }

    private protected override JsonValue ToJson() => ObjectOf(
        ("kind", Kind),
        ("format", Format),
        ("device", Device.ToString()),
        ("counter", Counter),
        ("created", UtcSeconds.Format(Created)),
        ("expires", UtcSeconds.Format(Expires)),
        ("values", new JsonValue.Object(Values.ToDictionary(v => v.Key.ToString(), v => ToJson(v.Value), StringComparer.Ordinal))));

    private static JsonValue ToJson(ConfigurationValue value) =>
        ObjectOf(("secret", value.IsSecret), ("type", ConfigurationValue.Word(value.Type)), ("value", value.Text));

    private static ConfigurationKey KeyFrom(string text) =>
        ConfigurationKey.TryParse(text, out var key) ? key : throw new FormatException("signed.values has a name that is no configuration key");

    private static ConfigurationValue ValueFrom(string name, JsonValue json)
    {
        var fields = new JsonFields(json, $"signed.values.{name}");
        var type = fields.Parsed<ConfigurationType>("type", ConfigurationValue.TryType, "text, integer, boolean or json");
        var (text, isSecret) = (fields.Text("value"), fields.Bool("secret"));
        fields.End();
        try
        {
            return new ConfigurationValue(type, text, isSecret);
        }
        catch (FormatException e)
        {
            throw new FormatException($"signed.values.{name}: {e.Message}", e);
        }
    }
}
